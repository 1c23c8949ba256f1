// SEARCH and UID SEARCH: walks the mailbox in pages, decides by the list what the list can decide, and looks into messages only for the
// rest. Others are served between any two pages. EXPUNGE is never announced within the answer (RFC 9051 section 7.5.1).
import type { ListedMessage } from '../quarantine/ports.ts';
import { SearchPlan } from '../quarantine/search/match.ts';
import { slicesOf } from '../quarantine/slices.ts';
import type { Answer, CommandCall, ImapConnection } from './command.ts';
import type { ImapEnvironment, MailboxCommand } from './environment.ts';
import { openMailboxOf, readingsAtOnce } from './message-set.ts';
import { parseSearch } from './search-keys.ts';
import type { OpenMailbox } from './selected.ts';

const pageSize = 500;

export const search: MailboxCommand = (environment) => ({
  names: ['SEARCH', 'UID SEARCH'],
  states: ['Selected'],
  announces: 'with-uid',
  handle: (connection, call) => searchMailbox(environment, connection, call),
});

async function searchMailbox(
  { quarantine }: ImapEnvironment,
  connection: ImapConnection<OpenMailbox>,
  call: CommandCall,
): Promise<Answer> {
  const mailbox = openMailboxOf(connection);
  const { messages } = mailbox;
  const parsed = parseSearch(call.args, { messages, now: quarantine.clock.now() });
  if ('refused' in parsed) return parsed.refused;
  const plan = new SearchPlan(parsed.condition);
  const highestUid = messages.lastUid;
  const found: number[] = [];
  if (mailbox.folder.kind === 'view' && highestUid && quarantine.domains.isSeenBy(mailbox.scope)) {
    const view = mailbox.folder.shows;
    for (let from = 1; from <= highestUid && !connection.closed;) {
      const page = await quarantine.storage.list(mailbox.scope, view, [{ from, to: highestUid }], pageSize);
      found.push(...(await matching(quarantine.storage, mailbox, plan, page)));
      const last = page.at(-1)?.uid;
      if (page.length < pageSize || last === undefined) break;
      from = last + 1;
    }
  }
  const numbers = call.uid ? found : found.map((uid) => mailbox.sequenceNumber(uid));
  await connection.write(`* SEARCH${numbers.map((number) => ` ${number}`).join('')}\r\n`);
  return { response: 'OK', text: 'SEARCH completed' };
}

/** UIDs that match, ascending; messages that the client does not know yet are left out. */
async function matching(
  storage: ImapEnvironment['quarantine']['storage'],
  mailbox: OpenMailbox,
  plan: SearchPlan,
  page: readonly ListedMessage[],
): Promise<number[]> {
  const known = page
    .filter(({ uid }) => mailbox.sequenceNumber(uid))
    .map((message) => ({ ...message, decided: plan.decide(message) }));
  const found = known.filter(({ decided }) => decided).map(({ uid }) => uid);
  const open = known.filter(({ decided }) => decided === null);
  for (const slice of slicesOf(open, readingsAtOnce)) {
    const ids = slice.map(({ id }) => id);
    const readings = await storage.readings(mailbox.scope, ids);
    for (const [i, candidate] of slice.entries()) {
      const reading = readings[i];
      const content = (start: number, end: number): Promise<Buffer | null> =>
        storage.content(mailbox.scope, candidate.id, start, end);
      if (reading && (await plan.matches({ ...candidate, reading, content }))) found.push(candidate.uid);
    }
  }
  return found.sort((a, b) => a - b);
}
