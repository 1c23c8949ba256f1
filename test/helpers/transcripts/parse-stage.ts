// The given part and the then part of a transcript. A statement that is none of the known ones is an error that lists them.
import { sampleMail } from '../server.ts';
import { readBlock, readMailList, readSubjects } from './mail-list.ts';
import { expectNothingBelow } from './statements.ts';
import type { Statement } from './statements.ts';
import { TranscriptError } from './transcript.ts';
import type { Given, HeldMail, Outcome } from './transcript.ts';

const views = { Caught: 'caught', 'Caught (Outgoing)': 'outgoing', 'Training Requested': 'training' } as const;
const switches = ['outgoing', 'training', 'trash'] as const;

const givenForms = [
  'login NAME',
  'setting dropFolders strict',
  'setting trash on (also: training, outgoing; on, off)',
  'Caught of ADDRESS: "SUBJECT", "SUBJECT 1..9" (also: Training Requested; of A and B; of A, category virus; of A, flags (\\Seen))',
  'Caught (Outgoing) of ADDRESS to ADDRESS: "SUBJECT"',
  'elsewhere: "SUBJECT"',
  'next hop answers RCPT of ADDRESS with 550 TEXT',
];

export function parseGiven(path: string, statements: readonly Statement[]): Given {
  const given: Given = {
    logins: [],
    dropFolders: 'empty',
    folders: { outgoing: true, training: true, trash: false },
    held: [],
    refusedRecipients: {},
    mails: new Map(),
  };
  for (const statement of statements) {
    const { line } = statement;
    const text = statement.text.trimEnd();
    const [, login] = /^login (\S+)$/.exec(text) ?? [];
    const [, drops] = /^setting dropFolders (strict|empty)$/.exec(text) ?? [];
    const [, named, value] = /^setting (\w+) (on|off)$/.exec(text) ?? [];
    const folder = switches.find((one) => one === named);
    const [, elsewhere] = /^elsewhere: (.*)$/.exec(text) ?? [];
    const [, refused, reply] = /^next hop answers RCPT of (\S+) with (.+)$/.exec(text) ?? [];
    const held = readHeldMail(path, line, text);
    if (!held && elsewhere === undefined) expectNothingBelow(path, statement);
    if (login !== undefined) given.logins.push(login);
    else if (drops === 'strict' || drops === 'empty') given.dropFolders = drops;
    else if (folder) given.folders[folder] = value === 'on';
    else if (refused !== undefined && reply !== undefined) given.refusedRecipients[refused] = reply;
    else if (elsewhere !== undefined) addMails(path, statement, readSubjects(path, line, elsewhere), given.mails);
    else if (held) {
      given.held.push(held);
      addMails(path, statement, held.subjects, given.mails);
    } else throw unknown(path, statement, givenForms);
  }
  return given;
}

/** `Caught of alice@example.com: "Invoice"`; null when the text is no statement of this form at all. */
export function readHeldMail(path: string, line: number, text: string): HeldMail | null {
  const match = /^(Caught|Caught \(Outgoing\)|Training Requested) of ([^:]+): (.*)$/.exec(text);
  if (!match) return null;
  const [, mailbox = '', whose = '', names = ''] = match;
  const view = views[mailbox as keyof typeof views];
  const form = /^(\S+(?: and \S+)*?)(?: to (\S+(?: and \S+)*))?(?:, category (\w+))?(?:, flags \(([^()]*)\))?$/.exec(
    whose,
  );
  const [, owners = '', to, category = 'spam', flags = ''] = form ?? [];
  if (!form || (view === 'outgoing') !== (to !== undefined)) {
    const wanted = view === 'outgoing' ? 'ADDRESS to ADDRESS' : 'ADDRESS (and ADDRESS)';
    throw new TranscriptError(path, line, `after "${mailbox} of" ${wanted} was expected; there is: ${whose}`);
  }
  return {
    line,
    view,
    subjects: readSubjects(path, line, names),
    owners: owners.split(' and '),
    recipients: to?.split(' and ') ?? [],
    category,
    flags: flags.split(' ').filter(Boolean),
  };
}

/** Content of the mail that a statement names; spelled out below it, or a small mail like all others. */
export function addMails(
  path: string,
  { line, below }: Statement,
  subjects: readonly string[],
  mails: Map<string, Buffer>,
): void {
  if (below.length && subjects.length > 1) {
    throw new TranscriptError(path, line, 'only one mail at a time can be spelled out below its name');
  }
  for (const subject of subjects) {
    if (mails.has(subject))
      throw new TranscriptError(path, line, `there is a mail with the subject "${subject}" already`);
    const raw = below.length ? readBlock(path, below, mails) : sampleMail(subject);
    if (
      below.length &&
      !raw.toString().startsWith(`Subject: ${subject}\r\n`) &&
      !raw.includes(`\nSubject: ${subject}\r\n`)
    ) {
      throw new TranscriptError(path, line, `the mail below has no line "Subject: ${subject}"`);
    }
    mails.set(subject, raw);
  }
}

const outcomeForms = [
  'delivered: nothing',
  'delivered: "SUBJECT" to ADDRESS (and ADDRESS)',
  'reported: nothing',
  'reported as ham: "SUBJECT" (also: as spam)',
  'LOGIN sees in MAILBOX: nothing',
  'LOGIN sees in MAILBOX: "SUBJECT" (\\Seen $Released), "SUBJECT"',
];

export function parseOutcome(path: string, heading: Statement, statements: readonly Statement[]): Outcome {
  const outcome: Outcome = {
    delivered: { line: 0, deliveries: [] },
    reported: { line: 0, reports: [] },
    shown: [],
  };
  for (const statement of statements) {
    expectNothingBelow(path, statement);
    const { line } = statement;
    const text = statement.text.trimEnd();
    const [, delivered, to] = /^delivered: (.+) to (\S+(?: and \S+)*)$/.exec(text) ?? [];
    const [, verdict, reported] = /^reported as (ham|spam): (.+)$/.exec(text) ?? [];
    const [, login, mailbox, shown] = /^(\S+) sees in ([^:]+): (.+)$/.exec(text) ?? [];
    if (delivered !== undefined && to !== undefined) {
      const recipients = to.split(' and ');
      outcome.delivered.line ||= line;
      for (const subject of readSubjects(path, line, delivered))
        outcome.delivered.deliveries.push({ subject, recipients });
    } else if (reported !== undefined && (verdict === 'ham' || verdict === 'spam')) {
      outcome.reported.line ||= line;
      for (const subject of readSubjects(path, line, reported)) outcome.reported.reports.push({ subject, verdict });
    } else if (login !== undefined && mailbox !== undefined && shown !== undefined) {
      const messages = shown === 'nothing' ? [] : readMailList(path, line, shown);
      outcome.shown.push({ line, login, mailbox, messages });
    } else if (text === 'delivered: nothing') outcome.delivered.line ||= line;
    else if (text === 'reported: nothing') outcome.reported.line ||= line;
    else throw unknown(path, statement, outcomeForms);
  }
  for (const [what, { line }] of [['delivered', outcome.delivered] as const, ['reported', outcome.reported] as const]) {
    const missing = `the then part has to say what was ${what}; if nothing was: "${what}: nothing"`;
    if (!line) throw new TranscriptError(path, heading.line, missing);
  }
  return outcome;
}

function unknown(path: string, { line, text }: Statement, forms: readonly string[]): TranscriptError {
  return new TranscriptError(path, line, `one of these was expected:\n  ${forms.join('\n  ')}\nthere is:\n  ${text}`);
}
