// Gives numbers to changes whose writers died before they took one. A change that is still without a number at the second look is taken
// for left; if its writer is only slow, one number is never used. Started by open.ts.
import type { Reader } from './mailboxes.ts';
import { numberLeft } from './messages.ts';
import type { MessageDocument } from './schema.ts';

/** Messages that one look takes care of. */
const sweepSize = 1000;

export interface Sweep {
  stop(): Promise<void>;
}

export function startSweep(reader: Reader, everyMs: number): Sweep {
  let before = new Set<string>();
  let looking: Promise<void> | null = null;
  const timer = setInterval(() => {
    looking ??= sweepOnce(reader, before)
      .then((seen) => {
        before = seen;
      })
      .catch((error: unknown) => {
        // The next look comes soon; that the store is away is told elsewhere (heartbeats.ts).
        reader.connection.log.debug(
          { event: 'storage', err: error },
          'changes without a number could not be looked for',
        );
      })
      .finally(() => {
        looking = null;
      });
  }, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}

/** Numbers what was there `before` already; answers what is there now. */
export async function sweepOnce(reader: Reader, before: ReadonlySet<string>): Promise<Set<string>> {
  const found = await unnumbered(reader);
  const left = found.filter((document) => before.has(changeId(document)));
  await numberLeft(reader.sequences, left);
  return new Set(found.map(changeId));
}

/** Everything that has no number yet, at once: for a store that nobody writes to. */
export async function numberAllLeft(reader: Reader): Promise<void> {
  for (let left = await unnumbered(reader); left.length; left = await unnumbered(reader))
    await numberLeft(reader.sequences, left);
}

async function unnumbered({ connection: { messages } }: Reader): Promise<MessageDocument[]> {
  const isNumber = { $gte: 0 };
  const found = await Promise.all([
    messages.find({ 'domainUnnumbered.revision': isNumber }).limit(sweepSize).toArray(),
    messages.find({ 'globalUnnumbered.revision': isNumber }).limit(sweepSize).toArray(),
  ]);
  const byId = new Map(found.flat().map((document) => [document._id, document]));
  return [...byId.values()];
}

function changeId({ _id, domainUnnumbered, globalUnnumbered }: MessageDocument): string {
  return JSON.stringify([_id, domainUnnumbered?.revision, globalUnnumbered?.revision]);
}
