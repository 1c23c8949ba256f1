// Reads one message from its connection into memory, within the limit for one message and the budget for all that are arriving. What does
// not fit is read to its end all the same, because the client waits for the reply to its final dot, but not kept.
// Called by door.ts.
import { MessageBuffer } from './message-buffer.ts';
import type { ReceiveBudget } from './receive-budget.ts';

export type Arrival =
  /** `release` gives the memory back to the budget; to be called once, when the message is stored or refused. */
  | { kind: 'complete'; raw: Buffer; release: () => void }
  | { kind: 'too-large' }
  /** The budget was used up by other messages. */
  | { kind: 'no-room' }
  /** The connection ended before the message did. */
  | { kind: 'broken-off' };

export async function readArrival(
  message: AsyncIterable<Buffer>,
  limit: number,
  budget: ReceiveBudget,
): Promise<Arrival> {
  const buffer = new MessageBuffer(limit);
  let taken = 0;
  let hasRoom = true;
  const release = (): void => {
    budget.give(taken);
    taken = 0;
  };
  try {
    for await (const bytes of message) {
      if (!hasRoom || buffer.isTooLarge) continue;
      hasRoom = budget.take(bytes.length);
      if (hasRoom) {
        taken += bytes.length;
        buffer.append(bytes);
      }
      if (hasRoom && !buffer.isTooLarge) continue;
      buffer.discard();
      release();
    }
  } catch {
    release();
    return { kind: 'broken-off' };
  }
  if (buffer.isTooLarge) return { kind: 'too-large' };
  if (!hasRoom) return { kind: 'no-room' };
  return { kind: 'complete', raw: buffer.take(), release };
}
