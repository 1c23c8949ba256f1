// FETCH and UID FETCH: finds out which messages and what of them is asked for, and has them answered in the fastest way that has it all: from
// memory, from what is packed for lists, or message by message.
import type { UidRange } from '../quarantine/ports.ts';
import type { Answer, CommandCall, ImapConnection } from './command.ts';
import type { ImapEnvironment, MailboxCommand } from './environment.ts';
import { fetchEach } from './fetch-each.ts';
import type { Fetch } from './fetch-each.ts';
import { fetchFlags, isOfFlagsAlone } from './fetch-flags.ts';
import { marksSeen, parseFetchItems } from './fetch-items.ts';
import { fetchList } from './fetch-list.ts';
import { planList } from './list-plan.ts';
import { openMailboxOf, readMessages } from './message-set.ts';
import type { OpenMailbox } from './selected.ts';
import { uidRangesAt } from './sequence-set.ts';

export const fetch: MailboxCommand = (environment) => ({
  names: ['FETCH', 'UID FETCH'],
  states: ['Selected'],
  announces: 'with-uid',
  handle: (connection, call) => fetchMessages(environment, connection, call),
});

async function fetchMessages(
  { quarantine }: ImapEnvironment,
  connection: ImapConnection<OpenMailbox>,
  call: CommandCall,
): Promise<Answer> {
  const mailbox = openMailboxOf(connection);
  const positions = readMessages(call, call.args[0], mailbox);
  const items = parseFetchItems(call.args.slice(1), call.uid);
  const done: Answer = { response: 'OK', text: 'FETCH completed' };
  if (mailbox.folder.kind === 'drop' || !quarantine.domains.isSeenBy(mailbox.scope)) return done;
  if (isOfFlagsAlone(items)) {
    await fetchFlags(connection, mailbox, positions, items);
    return done;
  }
  const view = mailbox.folder.shows;
  const fetching: Fetch = {
    quarantine,
    connection,
    mailbox,
    view,
    items,
    marksSeen: marksSeen(items) && !mailbox.readOnly,
  };
  const ranges = uidRangesAt(mailbox.messages, positions);
  const plan = fetching.marksSeen ? null : planList(items);
  if (plan) {
    const fetchUnpacked = (some: readonly UidRange[]): Promise<void> => fetchEach(fetching, some);
    await fetchList({ storage: quarantine.storage, connection, mailbox, view, plan, fetchUnpacked }, ranges);
  } else await fetchEach(fetching, ranges);
  return done;
}
