// What readers and writers of one run of the model test share.
import type { MailboxState, NewContent, Arrival, Storage } from '../../../src/quarantine/ports.ts';
import type { Drops } from './drops.ts';
import type { Knowledge } from './knowledge.ts';
import type { Schedule } from './schedule.ts';
import type { ModelMailbox, Sight } from './sight.ts';

export interface World {
  schedule: Schedule;
  knowledge: Knowledge;
  sight: Sight;
  drops: Drops;
  /** All messages are copies of it. */
  content: NewContent;
  /** Ids of those that arrived, or may have. */
  messages: string[];
  mostMessages: number;
  /** The same in each run of a seed: what a database does in no particular order often depends on names. */
  newId(): string;
  /** Whose sender was not answered and will try again. */
  lostArrivals: Arrival[];
  /** The store runs out of UIDs now and then. */
  renumbers: boolean;
  /** Asks one of the processes. Rejects with Killed when it dies meanwhile. */
  call<Answer>(what: string, work: (storage: Storage) => Promise<Answer>): Promise<Answer>;
  /** For the reader of a failure. */
  tell(mailbox: ModelMailbox, state: MailboxState, text: string): void;
}
