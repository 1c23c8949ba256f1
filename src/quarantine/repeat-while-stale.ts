// Reads, decides and commits again when somebody else changed a message in between. Called by everything that changes messages.
import { StaleError, TemporaryError } from './errors.ts';

/**
 * Each round sees the newer state, so it ends as soon as the others pause; a store under constant contention answers "try again later"
 * rather than never. For many messages at once see slices.ts.
 */
export async function repeatWhileStale<T>(round: () => Promise<T>): Promise<T> {
  for (let left = 20; ; left--) {
    try {
      return await round();
    } catch (error) {
      if (!(error instanceof StaleError)) throw error;
      if (left === 0)
        throw new TemporaryError('The messages are being changed by others. Try again in a moment.', { cause: error });
    }
  }
}
