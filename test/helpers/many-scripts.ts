// Texts as people and spammers write them, in many scripts and with everything that makes comparing texts hard.
import type { SeededRandom } from './seeded-random.ts';

const phrases = [
  'Click here to unsubscribe from this list',
  'http://evil.example/u?id=7f3a&x=%20y#top',
  'DKIM-Signature: b=aGVsbG8gd29ybGQ+/=',
  'Straße, Maß & Füße – naïve coöperation',
  'gru\u0308n and GRÜN, e\u0301te\u0301, İstanbul ıslak',
  'ﬁnal ﬂag ſ ﬅ ŉ ǰ Ⅷ ㎏ ½ ①',
  'Здравствуйте, мир! Ёлка и ёж',
  'ΟΔΟΣ οδός Ὀδυσσεύς ᾳ ΐ',
  'אבגד הוזח שלום עליכם',
  'مرحبا بالعالم، ﷺ السلام عليكم',
  'नमस्ते दुनिया क्षत्रिय',
  'สวัสดีชาวโลก ภาษาไทย',
  '日本語の手紙です。東京都千代田区',
  '简体中文和繁體中文混在一起',
  '안녕하세요 세계 \u1112\u1161\u11ab\u1100\u1173\u11af',
  'ｆｕｌｌ ｗｉｄｔｈ　ｔｅｘｔ ﾊﾝｶｸ',
  '😀👩‍👩‍👧‍👦🏳️‍🌈 emoji 🇩🇪',
  '𝔉𝔯𝔞𝔨𝔱𝔲𝔯 𐐨𐐩 𝒳',
  'ქართული ენა Ქართული',
  'zero\u200bwidth\u00adsoft\u200dhyphen \u202eright-to-left\u202c',
  '===== ----- ***** !!!!! .....',
  'a\tb\u00a0c\u2003d  e\r\n\r\nf',
  'nul\0and\ud83dlone\udc00halves\ufffd\uffff',
];

/** Some phrases and pieces of phrases, one after the other. */
export function textInManyScripts(random: SeededRandom, pieces: number): string {
  let text = '';
  for (let i = 0; i < pieces; i++) {
    const phrase = random.pick(phrases);
    const start = random.between(0, 1) ? 0 : random.between(0, phrase.length);
    text += phrase.slice(start, random.between(start, phrase.length)) + random.pick(['', ' ', '  ', '\r\n', '.', '/']);
  }
  return text;
}

/** A piece of a text, as it stands there or nearly so. */
export function needleFrom(random: SeededRandom, text: string): string {
  const start = random.between(0, Math.max(text.length - 1, 0));
  const needle = text.slice(start, start + random.pick([1, 2, 3, 4, 6, 9, 14, 25, 60]));
  switch (random.between(0, 5)) {
    case 0:
      return ` ${needle}`;
    case 1:
      return `${needle} `;
    case 2:
      return needle.slice(0, -1) + random.pick(['x', ' ', '日', '.', 'е']);
    default:
      return needle;
  }
}
