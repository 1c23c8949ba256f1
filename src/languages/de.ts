// German: everything that people read in their mail programs. What each sentence is for stands in src/quarantine/sentences.ts.
import { delivers, verdictOf } from '../quarantine/folder.ts';
import type { DropFolder } from '../quarantine/folder.ts';
import type { Role } from '../quarantine/scope.ts';
import { purposeOf, sizeText } from '../quarantine/sentences.ts';
import type { DropTally, Sentences } from '../quarantine/sentences.ts';

const and = new Intl.ListFormat('de', { type: 'conjunction' });
const or = new Intl.ListFormat('de', { type: 'disjunction' });

const folders = {
  INBOX: 'Mitteilungen der Quarantäne selbst, so wie diese hier.',
  Caught:
    'Eingehende Nachrichten, die der Spamfilter zurückgehalten hat. Schauen Sie hier nach, wenn Ihnen eine fehlt; sie laufen von selbst ab.',
  'Caught (Outgoing)': 'Ausgehende Nachrichten, die der Spamfilter zurückgehalten hat. Sie laufen von selbst ab.',
  'Training Requested':
    'Kopien von Nachrichten, die zugestellt wurden, obwohl sich der Filter nicht sicher war. Ziehen Sie sie nach Spam oder Not Spam, damit er daraus lernt.',
  Release: 'Ziehen Sie eine Nachricht hierher, um sie freizugeben: Sie wird ihren Empfängern zugestellt.',
  'Release & Train':
    'Ziehen Sie eine Nachricht hierher, um sie freizugeben und den Filter lernen zu lassen, dass sie kein Spam ist.',
  'Not Spam':
    'Ziehen Sie eine Nachricht hierher, damit der Filter lernt, dass sie kein Spam ist. Zugestellt wird sie dadurch nicht.',
  Spam: 'Ziehen Sie Spam hierher, auch aus Ihrem eigenen Posteingang, damit der Filter daraus lernt. Zugestellt wird er dadurch nicht.',
  Trash: 'Verschieben Sie eine Nachricht hierher, um sie zu löschen. Der Filter lernt daraus nichts.',
};

const refusals: Sentences['refusals'] = {
  wrongSource: (drop, source) =>
    source.alreadyDelivered && delivers(drop)
      ? `Nachrichten in ${source.mailbox} sind bereits zugestellt. ${accepted(drop)}`
      : `${drop.mailbox} nimmt keine Nachrichten aus ${source.mailbox} an. ${accepted(drop)}`,
  notice: () => 'Dies ist eine Mitteilung der Quarantäne selbst. Sie können sie nur lesen und löschen.',
  view: (view, drops) =>
    `${view.mailbox} zeigt, was in der Quarantäne liegt; hineinlegen lässt sich nichts. Ziehen Sie Nachrichten nach ${or.format(drops)}.`,
  noWayBack: (drop) =>
    `Was nach ${drop.mailbox} gezogen wurde, ist sofort ausgeführt worden und lässt sich nicht zurücknehmen. Wenn Sie die Nachricht noch einmal brauchen, fragen Sie Ihren Administrator.`,
  category: (category, allowed) =>
    `Nachrichten, die als „${category}“ eingestuft wurden, dürfen mit diesem Zugang nicht freigegeben werden. ${mayAsk(allowed)}`,
  outgoing: (allowed) => `Ausgehende Nachrichten dürfen mit diesem Zugang nicht freigegeben werden. ${mayAsk(allowed)}`,
  noSuchFolder: () =>
    'Diesen Ordner gibt es hier nicht, und es lässt sich keiner anlegen: Die Ordner der Quarantäne stehen fest.',
  switchedOff: ({ mailbox, specialUse }) =>
    `Der Ordner ${mailbox} ist in dieser Quarantäne abgeschaltet.` +
    (specialUse === '\\Trash'
      ? ' Stellen Sie Ihr Mailprogramm so ein, dass es Nachrichten als gelöscht markiert, statt sie zu verschieben.'
      : ''),
  fixedFolders: () => 'Die Ordner der Quarantäne stehen fest: Keiner lässt sich anlegen, umbenennen oder löschen.',
  exists: () => 'Diesen Ordner gibt es bereits; er ist immer da.',
  notHeld: (drop) =>
    `Diese Nachricht liegt nicht in der Quarantäne und kann deshalb nicht freigegeben werden. ${accepted(drop)}`,
  noLongerHeld: () =>
    'Diese Nachricht liegt nicht mehr in der Quarantäne: Sie wurde gemeldet, wurde gelöscht oder ist abgelaufen. Bitten Sie Ihren Administrator, sie wiederherzustellen.',
  severalMeant: (drop) =>
    `Die Quarantäne kennt mehrere Nachrichten, die diese sein kann; deshalb ist nicht klar, welche gemeint ist. Ziehen Sie sie aus ${or.format(drop.accepts.from)} nach ${drop.mailbox}.`,
  appendNotAccepted: (drop) => `${drop.mailbox} nimmt keine Nachrichten von anderswo an. ${accepted(drop)}`,
  emptyAppend: () => 'Diese Nachricht ist leer. Angenommen werden nur Nachrichten mit Inhalt.',
  tooBig: (maxBytes) => `Diese Nachricht ist zu groß: Angenommen werden Nachrichten bis ${sizeText(maxBytes)}.`,
  dropNotReadable: (drop) =>
    `${drop.mailbox} lässt sich nicht öffnen, denn darin wird nichts aufbewahrt. ${purposeOf({ folders }, drop)}`,
  tooManyFlags: (max) =>
    `Eine Nachricht kann höchstens ${max} Markierungen und Schlagwörter tragen. Entfernen Sie einige, bevor Sie weitere setzen.`,
  tooManyCopied: (max) =>
    `Höchstens ${max} Nachrichten können auf einmal kopiert werden. Kopieren Sie weniger, oder verschieben Sie sie: verschieben lassen sich beliebig viele.`,
  readOnly: () =>
    'Der Ordner wurde nur zum Lesen geöffnet; darin lässt sich nichts ändern und nichts daraus verschieben.',
  searchTooLong: () =>
    'Diese Suche dauert zu lange, weil zu viele Nachrichten gelesen werden müssen. Suchen Sie zusätzlich nach Absender, Betreff oder Datum, oder nur im Betreff.',
  someRefused: (done, refused, reasons) =>
    `${done} ${count(refused)} ${refused === 1 ? 'bleibt, wo sie ist' : 'bleiben, wo sie sind'}. ${because(reasons)}`,
  noneDone: (all, refused, reasons) => {
    if (all === 1) return because(reasons);
    return refused === all
      ? `Keine der ${all} Nachrichten wurde angenommen. ${because(reasons)}`
      : `Es wurde nichts getan, weil ${refused} der ${all} Nachrichten nicht angenommen werden ${refused === 1 ? 'kann' : 'können'}. ${because(reasons)}`;
  },
};

const sessions: Sentences['sessions'] = {
  wrongPassword: 'Der Benutzername oder das Passwort ist falsch.',
  tooManyWrongPasswords: (seconds) => {
    const minutes = Math.ceil(seconds / 60);
    const wait =
      seconds < 60
        ? `${seconds} Sekunde${seconds === 1 ? '' : 'n'}`
        : minutes === 1
          ? 'eine Minute'
          : `${minutes} Minuten`;
    return `Aus Ihrem Netz kamen zu viele falsche Passwörter. Bitte warten Sie ${wait} und versuchen Sie es dann noch einmal.`;
  },
  passwordsCannotBeChecked:
    'Passwörter lassen sich gerade nicht prüfen. Bitte versuchen Sie es in einigen Minuten noch einmal.',
  tooManyConnections:
    'Mit diesem Zugang bestehen schon zu viele Verbindungen. Schließen Sie ein Mailprogramm und versuchen Sie es noch einmal.',
  passwordInClear: 'Bitte schalten Sie TLS (STARTTLS) ein: Unverschlüsselt werden keine Passwörter angenommen.',
  endings: {
    wrongPasswords: 'Zu viele falsche Passwörter. Bitte verbinden Sie sich neu.',
    loginTooSlow: 'Die Anmeldung hat zu lange gedauert. Bitte verbinden Sie sich neu.',
    silence: 'Von Ihrem Mailprogramm war lange nichts zu hören. Es kann sich neu verbinden.',
    stopping: 'Die Quarantäne wird angehalten. Bitte verbinden Sie sich später neu.',
    renumbered: 'Die Nachrichten dieses Ordners wurden neu nummeriert. Bitte verbinden Sie sich neu.',
    switchedOn: 'Die Quarantäne wurde eingeschaltet. Bitte verbinden Sie sich neu.',
  },
};

const german: Sentences = {
  tag: 'de',
  folders,
  refusals,
  sessions,
  dropped,
  noMessages: 'Diese Nachrichten sind nicht mehr hier; es wurde nichts getan.',
  sender: 'Quarantäne',
  profile: (address) =>
    `Fügt die Quarantäne von ${address} zu Mail hinzu, wo zurückgehaltene Nachrichten durchgesehen und freigegeben werden können. Senden lässt sich mit diesem Konto nichts.`,
  failureNotice: ({ subject, sender, refused, accepted: taken, messageId }) => ({
    subject: `Freigabe fehlgeschlagen: ${subject || '(ohne Betreff)'}`,
    lines: [
      `Die Freigabe von ${subject ? `„${subject}“` : 'einer Nachricht ohne Betreff'} ist fehlgeschlagen.`,
      '',
      `Absender: ${sender || '<> (eine Unzustellbarkeitsmeldung)'}`,
      ...refused.flatMap(({ address, reply }) => [
        '',
        ...(reply === null
          ? [`An ${address} konnte nicht zugestellt werden. Der andere Server hat dazu nichts gesagt.`]
          : [`An ${address} konnte nicht zugestellt werden. Der andere Server antwortete:`, '', `    ${reply}`]),
      ]),
      '',
      ...(taken.length ? [`Zugestellt wurde an ${taken.join(', ')}.`, ''] : []),
      'Die Nachricht liegt wieder in ihrem Ordner, ungelesen. Ziehen Sie sie nach Release, um es noch einmal zu versuchen;',
      'nur Empfänger, die sie noch nicht haben, bekommen sie dann.',
      '',
      `Nachricht ${messageId}`,
    ],
  }),
  helpNotice: {
    subject: 'So funktioniert die Quarantäne',
    opening: (login) =>
      `Dieses Konto (${login}) zeigt die Nachrichten, die der Spamfilter zurückgehalten hat. Was mit einer Nachricht geschehen soll, sagen Sie, indem Sie sie in einen Ordner ziehen. Das sind die Ordner:`,
    closing: (drops) => [
      `${and.format(drops)} bewahren nichts auf: Was Sie dorthin ziehen, wird sofort ausgeführt. Geht etwas nicht, erfahren Sie den Grund, und die Nachricht bleibt, wo sie ist.`,
      'Diese Mitteilung hat die Quarantäne selbst geschrieben, und nur dieses eine Mal. Löschen Sie sie, wenn Sie sie nicht mehr brauchen.',
    ],
  },
};

export default german;

function dropped(drop: DropFolder, tally: DropTally): string {
  const { total, deliveries, reports, deleted, nothing } = tally;
  if (!total) return german.noMessages;
  const verdict = verdictOf(drop);
  if (!delivers(drop) && !verdict) {
    return deleted
      ? `${count(deleted)} ${deleted === 1 ? 'wurde' : 'wurden'} gelöscht.`
      : `Gelöscht wurde nichts: ${drop.mailbox} löscht, was dorthin verschoben wird, nicht was dorthin kopiert wird.`;
  }
  const verdictName = verdict === 'ham' ? '„kein Spam“' : 'Spam';
  const delivered = `${count(deliveries)} ${will(deliveries)} ihren Empfängern zugestellt`;
  const parts: string[] = [];
  const areTheSame = deliveries === reports && deliveries + nothing === total;
  if (deliveries && areTheSame) parts.push(`${delivered} und als ${verdictName} gemeldet.`);
  else {
    if (deliveries) parts.push(`${delivered}.`);
    if (reports) parts.push(`${count(reports)} ${will(reports)} als ${verdictName} gemeldet.`);
  }
  if (nothing) {
    parts.push(
      delivers(drop)
        ? `${count(nothing)} ${was(nothing)} schon freigegeben; mehr geschieht nicht.`
        : `${count(nothing)} ${was(nothing)} bereits als ${verdictName} bekannt; gemeldet wird nichts.`,
    );
  }
  return parts.join(' ');
}

function accepted(drop: DropFolder): string {
  const own = drop.accepts.append === 'any' ? ' sowie aus Ihrem eigenen Postfach' : '';
  return `${drop.mailbox} nimmt Nachrichten aus ${and.format(drop.accepts.from)}${own} an.`;
}

function mayAsk(allowed: readonly Role[]): string {
  const names: Record<Role, string> = {
    user: 'den Empfänger',
    domain: 'den Administrator der Domain',
    global: 'den Administrator der Quarantäne',
  };
  return allowed.length
    ? `Fragen Sie ${or.format(allowed.map((role) => names[role]))}.`
    : 'Niemand darf solche Nachrichten freigeben.';
}

/** Several reasons are told with how many messages each is for. */
function because(reasons: ReadonlyMap<string, number>): string {
  return [...reasons].map(([reason, n]) => (reasons.size > 1 ? `Für ${count(n)}: ${reason}` : reason)).join(' ');
}

function count(n: number): string {
  return `${n} Nachricht${n === 1 ? '' : 'en'}`;
}

function will(n: number): string {
  return n === 1 ? 'wird' : 'werden';
}

function was(n: number): string {
  return n === 1 ? 'war' : 'waren';
}
