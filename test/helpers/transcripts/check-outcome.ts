// Compares what the then part of a transcript says with the store, the next hop and the training Maildir.
import { findOwnTrace } from '../../../src/quarantine/trace.ts';
import { scopeOfLogin } from '../../../src/quarantine/scope.ts';
import type { TestServer } from '../server.ts';
import { TranscriptError } from './transcript.ts';
import type { Outcome, ShownMail, Transcript } from './transcript.ts';

/** Nothing may be due any more. */
export async function checkOutcome(transcript: Transcript, server: TestServer): Promise<void> {
  const { path, given, outcome } = transcript;
  const check = (line: number, what: string, expected: readonly string[], got: readonly string[]): void => {
    const wanted = tell(expected);
    const found = tell(got);
    if (wanted !== found) throw new TranscriptError(path, line, `${what}\n  expected  ${wanted}\n  got       ${found}`);
  };
  const subjectOf = subjectFinder(given.mails);
  checkDelivered(server, outcome, subjectOf, check);
  await checkReported(server, outcome, subjectOf, check);
  for (const { line, login, mailbox, messages } of outcome.shown) {
    const shown = await shownTo(server, login, mailbox);
    if (!shown) throw new TranscriptError(path, line, `${login} has no folder ${mailbox} that shows messages`);
    check(line, `${login} sees in ${mailbox}`, messages.map(showMail), shown.map(showMail));
  }
  const problems = server.logged
    .filter(({ level }) => level === 'error')
    .map(({ fields, text }) => `${text} ${String(fields['err'])}`);
  check(outcome.delivered.line, 'errors in the log of the server', [], problems);
}

type Check = (line: number, what: string, expected: readonly string[], got: readonly string[]) => void;
type SubjectOf = (content: Buffer) => string;

function checkDelivered({ farEnd }: TestServer, { delivered }: Outcome, subjectOf: SubjectOf, check: Check): void {
  const show = (subject: string, recipients: readonly string[]): string => `${subject} to ${recipients.join(' and ')}`;
  const got = farEnd.received.map(({ content, recipients }) => {
    const end = content.indexOf('\n') + 1;
    const isTraced = findOwnTrace(content, end, 'quarantine.example.test');
    return show(`${isTraced ? '' : 'without our trace line '}${subjectOf(content.subarray(end))}`, recipients);
  });
  const expected = delivered.deliveries.map(({ subject, recipients }) => show(`"${subject}"`, recipients));
  check(delivered.line, 'delivered', expected.sort(), got.sort());
}

async function checkReported(
  server: TestServer,
  { reported }: Outcome,
  subjectOf: SubjectOf,
  check: Check,
): Promise<void> {
  for (const verdict of ['ham', 'spam'] as const) {
    const got = (await server.learned(verdict)).map(subjectOf);
    const expected = reported.reports
      .filter((report) => report.verdict === verdict)
      .map(({ subject }) => `"${subject}"`);
    check(reported.line, `reported as ${verdict}`, expected.sort(), got.sort());
  }
}

/** Names content that is a mail of the transcript, to the byte; other content by what it says it is. */
function subjectFinder(mails: ReadonlyMap<string, Buffer>): SubjectOf {
  return (content) => {
    for (const [subject, raw] of mails) if (raw.equals(content)) return `"${subject}"`;
    const [, claimed = 'no subject'] = /^Subject: (.*?)\r$/m.exec(content.toString()) ?? [];
    return `none of the mails to the byte (${content.length} bytes, ${claimed})`;
  };
}

/** In the order of UIDs; null when the login has no such view. */
async function shownTo(
  { quarantine, storage }: TestServer,
  login: string,
  mailbox: string,
): Promise<ShownMail[] | null> {
  const scope = scopeOfLogin(login);
  const folder = quarantine.folders.find(mailbox, scope.role);
  if (folder?.kind !== 'view') return null;
  const listed = await storage.list(scope, folder.shows, [{ from: 1, to: 2 ** 32 - 1 }]);
  const readings = await storage.readings(
    scope,
    listed.map(({ id }) => id),
  );
  return listed.map(({ flags }, i) => ({ subject: readings[i]?.summary.subject ?? '', flags }));
}

function showMail({ subject, flags }: ShownMail): string {
  return flags.length ? `"${subject}" (${flags.toSorted().join(' ')})` : `"${subject}"`;
}

function tell(items: readonly string[]): string {
  return items.length ? items.join(', ') : 'nothing';
}
