// SEARCH and UID SEARCH: reads what is searched for, has the storage find it, and tells it in the client's own numbers. EXPUNGE is never
// announced within the answer (RFC 9051 section 7.5.1).
import { setImmediate } from 'node:timers/promises';
import { Refusal } from '../quarantine/errors.ts';
import { ConnectionGone } from './answers.ts';
import type { Answer, CommandCall, ImapConnection } from './command.ts';
import type { ImapEnvironment, MailboxCommand } from './environment.ts';
import { openMailboxOf } from './message-set.ts';
import type { MessageSequence } from './message-sequence.ts';
import { parseSearch } from './search-keys.ts';
import type { OpenMailbox } from './selected.ts';

/** Numbers made into text before others are served. */
const atOnce = 5000;
const signOfLifeMs = 10_000;

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
  const { messages, folder, scope } = openMailboxOf(connection);
  const parsed = parseSearch(call.args, { messages, now: quarantine.clock.now() });
  if ('refused' in parsed) return parsed.refused;
  let found: Uint32Array = new Uint32Array();
  if (folder.kind === 'view' && messages.length && quarantine.domains.isSeenBy(scope)) {
    const view = folder.shows;
    const answer = await withSignsOfLife(connection, () =>
      quarantine.storage.search(scope, view, parsed.condition, signalOf(connection)),
    );
    if (connection.closed) throw new ConnectionGone();
    if (!answer) throw new Refusal('LIMIT', quarantine.sentences.refusals.searchTooLong());
    found = answer;
  }
  await connection.write(`* SEARCH${await numbersOf(found, messages, call.uid)}\r\n`);
  return { response: 'OK', text: 'SEARCH completed' };
}

/** Tells a client that waits long that it is not forgotten; and one that has closed its end is found out by being written to. */
async function withSignsOfLife<T>(connection: ImapConnection<OpenMailbox>, work: () => Promise<T>): Promise<T> {
  // RFC 9051 section 7.1.1: an untagged OK without a code is for people, and may come at any time.
  const sign = (): void => void connection.write('* OK Still searching\r\n').catch(() => undefined);
  const signs = setInterval(sign, signOfLifeMs);
  try {
    return await work();
  } finally {
    clearInterval(signs);
  }
}

/** A blank before each; messages that the client does not know yet are left out. */
async function numbersOf(uids: Uint32Array, messages: MessageSequence, asUids: boolean): Promise<string> {
  const parts: string[] = [];
  for (let start = 0; start < uids.length; start += atOnce) {
    if (start) await setImmediate();
    for (const uid of uids.subarray(start, start + atOnce)) {
      const position = messages.positionOf(uid);
      if (position >= 0) parts.push(` ${asUids ? uid : position + 1}`);
    }
  }
  return parts.join('');
}

const signals = new WeakMap<ImapConnection<OpenMailbox>, AbortSignal>();

/** Aborted when the client has gone. One for each connection, whatever it searches for. */
function signalOf(connection: ImapConnection<OpenMailbox>): AbortSignal {
  const known = signals.get(connection);
  if (known) return known;
  const gone = new AbortController();
  connection.onClose(() => gone.abort());
  signals.set(connection, gone.signal);
  return gone.signal;
}
