// A search as people write it in IMAP, as the condition that a storage is given: in a mailbox of ten messages with the UIDs 10 to 100.
import assert from 'node:assert/strict';
import { parseLine } from '../../src/imap/arguments.ts';
import { FlagSet } from '../../src/imap/flag-set.ts';
import { MessageSequence } from '../../src/imap/message-sequence.ts';
import { parseSearch } from '../../src/imap/search-keys.ts';
import type { Condition } from '../../src/quarantine/search/condition.ts';

/** When OLDER and YOUNGER count from. */
export const searchedAt = Date.parse('2025-06-15T12:00:00Z');

export const searchedMessages = MessageSequence.of({
  uids: Uint32Array.of(10, 20, 30, 40, 50, 60, 70, 80, 90, 100),
  flags: new Uint32Array(10),
  flagSets: [new FlagSet([])],
});

export function conditionOf(written: string): Condition {
  const { args } = parseLine(`a SEARCH ${Buffer.from(written, 'utf8').toString('latin1')}`, []);
  const parsed = parseSearch(args, { messages: searchedMessages, now: searchedAt });
  assert.ok('condition' in parsed);
  return parsed.condition;
}
