// How long a client of the run waits for an answer. A connection that is cut is ordinary, because processes are killed; one that stays and
// says nothing means that somebody stands still, and breaks the run. Called by load.ts and watcher.ts.
import type { Journal } from './journal.ts';

/** Longer than any answer takes on a busy machine. */
const answerPatienceMs = 60_000;

/**
 * Waits for the answer to `what`. Rejects when there is none in time, and the journal says who waited for what. An answer that comes all the
 * same is let go.
 */
export type Patience = <Answer>(
  what: string,
  answer: Promise<Answer>,
  letGo?: (late: Answer) => void,
) => Promise<Answer>;

export function patienceOf(who: string, { unanswered }: Journal): Patience {
  return async (what, answer, letGo = () => undefined) => {
    const { promise: tooLong, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const problem = `${who}: no answer to ${what} within ${answerPatienceMs / 1_000} s`;
      unanswered.push(problem);
      void answer.then(letGo, () => undefined);
      reject(new Error(problem));
    }, answerPatienceMs);
    try {
      return await Promise.race([answer, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  };
}
