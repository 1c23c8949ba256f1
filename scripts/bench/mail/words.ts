// What the generated mail is made of: words of several scripts, few of them frequent and most of them rare, as in any language. Data and two
// small functions; the same in every run. Called by spam.ts.
import { seededRandom } from '../../../test/helpers/seeded-random.ts';
import type { SeededRandom } from '../../../test/helpers/seeded-random.ts';

export type Language = 'english' | 'german' | 'french' | 'russian' | 'greek' | 'japanese' | 'chinese' | 'arabic';

const frequent: Readonly<Record<Language, string>> = {
  english:
    'your the and free offer account now click money order invoice please payment today limited win prize bank credit ' +
    'guarantee customer price cheap online delivery security update verify password urgent bonus discount investment',
  german:
    'Ihre und kostenlos Angebot Konto jetzt Geld Bestellung Rechnung bitte Zahlung heute günstig gewinnen Überweisung ' +
    'Größe für über Kunde Preis Lieferung Sicherheit prüfen dringend Gutschein Straße Prämie können müssen schönes',
  french:
    'votre et gratuit offre compte maintenant cliquez argent commande facture paiement aujourd’hui gagner sécurité ' +
    'crédit élève très reçu réduction même où garantie numéro début à ça intérêt forêt',
  russian:
    'ваш и бесплатно предложение счёт сейчас деньги заказ оплата сегодня выигрыш банк кредит гарантия клиент цена ' +
    'доставка безопасность пароль срочно скидка перевод подарок получите',
  greek:
    'σας και δωρεάν προσφορά λογαριασμός τώρα χρήματα παραγγελία πληρωμή σήμερα κέρδος τράπεζα εγγύηση πελάτης τιμή',
  japanese: 'お客様 無料 特別 口座 今すぐ 注文 請求書 支払い 本日 当選 銀行 保証 価格 配送 確認 至急 割引 ポイント',
  chinese: '您的 免费 优惠 账户 立即 订单 发票 付款 今天 中奖 银行 信用 保证 客户 价格 配送 安全 紧急 折扣',
  arabic: 'حسابك عرض مجاني الآن المال طلب فاتورة الدفع اليوم جائزة البنك ضمان العميل السعر التسليم عاجل خصم',
};

const syllables = 'ba co di fe ga lo mi no pe ra si tu ve zo kra ston ter vin lan dor quel mar ish plo gran tex'.split(
  ' ',
);

/** Words that only few messages hold: what a search for a rare text has to find. */
const rare = invented(6000);

const vocabularies = Object.fromEntries(
  Object.entries(frequent).map(([language, words]) => [language, words.split(' ')]),
) as Record<Language, string[]>;

function invented(count: number): string[] {
  const random = seededRandom(4711);
  return Array.from({ length: count }, () =>
    Array.from({ length: random.between(2, 4) }, () => random.pick(syllables)).join(''),
  );
}

export function word(random: SeededRandom, language: Language): string {
  if (random.between(0, 3) === 0) return rare[random.between(0, random.between(0, rare.length - 1))] ?? '';
  return random.pick(vocabularies[language]);
}

/** Words up to at least so many characters, in lines of at most about 76 characters, each ended by CRLF. */
export function prose(random: SeededRandom, language: Language, characters: number): string {
  let text = '';
  let line = '';
  while (text.length + line.length < characters) {
    line += line ? ` ${word(random, language)}` : word(random, language);
    if (line.length < 64) continue;
    text += `${line}\r\n`;
    line = '';
  }
  return line ? `${text}${line}\r\n` : text;
}
