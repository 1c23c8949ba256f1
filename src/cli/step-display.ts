// How far a command with several steps has come, on stderr: a bar on a terminal, elsewhere a line now and then. Called by `store copy`.
import { createProgressBar } from './progress-bar.ts';
import { shownNumber } from './shown-values.ts';

export interface StepDisplay {
  /** `step` is what is counted: `messages`. */
  show(step: string, done: number, total: number): void;
  /** Takes the bar away. */
  clear(): void;
}

/** Besides the first and the last line of a step. */
const lineEveryMs = 10_000;

export function createStepDisplay(screen: Parameters<typeof createProgressBar>[0], now: () => number): StepDisplay {
  const bar = createProgressBar(screen, now);
  if (screen.isTTY) {
    return {
      show: (step, done, total) => bar.show(total ? done / total : 1, `${step} ${shownNumber(done)}`),
      clear: () => bar.clear(),
    };
  }
  let shown = { step: '', at: 0, isEnd: false };
  return {
    show(step, done, total) {
      const isEnd = done >= total;
      const isNew = step !== shown.step || (isEnd && !shown.isEnd) || now() - shown.at >= lineEveryMs;
      if (!isNew) return;
      shown = { step, at: now(), isEnd };
      screen.write(`${step}: ${shownNumber(done)} of ${shownNumber(Math.max(done, total))}\n`);
    },
    clear: () => undefined,
  };
}
