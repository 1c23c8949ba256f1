// The messages of an open mailbox, made of a plain list.
import { FlagSet } from '../../src/imap/flag-set.ts';
import { MessageSequence } from '../../src/imap/message-sequence.ts';

/** Without flags. @param uids ascending */
export function sequenceOf(uids: readonly number[]): MessageSequence {
  const flags = new Uint32Array(uids.length);
  return MessageSequence.of({ uids: Uint32Array.from(uids), flags, flagSets: [new FlagSet([])] });
}
