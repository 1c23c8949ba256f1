// The flags of a message as one immutable value, as they go on the wire. Thousands of messages share one. Made from what the store tells;
// held by the leaves of a message sequence (message-leaf.ts).
import type { FlaggedUids } from '../quarantine/ports.ts';
import { formatFlags } from './flags.ts';

export class FlagSet {
  /** `(\Seen $Released)`. Two sets are the same flags when their texts are the same. */
  readonly text: string;
  readonly isSeen: boolean;
  readonly isDeleted: boolean;
  #bytes: Buffer | null = null;

  constructor(flags: readonly string[]) {
    this.text = formatFlags(flags);
    this.isSeen = flags.includes('\\Seen');
    this.isDeleted = flags.includes('\\Deleted');
  }

  /** The text, one byte per character. */
  get bytes(): Buffer {
    return (this.#bytes ??= Buffer.from(this.text, 'latin1'));
  }

  equals(other: FlagSet): boolean {
    return this === other || this.text === other.text;
  }
}

/** Messages with their flags: `flags[i]` is the place in `flagSets` of those of `uids[i]`. */
export interface FlaggedMessages {
  /** Ascending. */
  readonly uids: Uint32Array;
  readonly flags: Uint32Array;
  readonly flagSets: readonly FlagSet[];
}

export function flaggedMessages({ uids, flags, flagSets }: FlaggedUids): FlaggedMessages {
  return { uids, flags, flagSets: flagSets.map((set) => new FlagSet(set)) };
}
