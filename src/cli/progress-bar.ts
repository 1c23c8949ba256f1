// How far a long command has come, on stderr; silent where that is no terminal. Called by the import command.
import type { WriteStream } from 'node:tty';

export interface ProgressBar {
  /** `part`: from 0 to 1; `text`: what follows the bar, short. */
  show(part: number, text: string): void;
  /** Takes the bar away, so that what is written next stands on a line of its own. */
  clear(): void;
}

type Screen = Pick<WriteStream, 'write' | 'isTTY' | 'columns'>;

const redrawMs = 100;

export function createProgressBar(screen: Partial<Screen> & Pick<Screen, 'write'>, now: () => number): ProgressBar {
  if (!screen.isTTY) return { show: () => undefined, clear: () => undefined };
  let drawnAt = -Infinity;
  return {
    show(part, text) {
      if (now() - drawnAt < redrawMs && part < 1) return;
      drawnAt = now();
      const columns = screen.columns ?? 80;
      const percent = `${Math.floor(Math.min(1, Math.max(0, part)) * 100)} %`.padStart(5);
      const room = Math.max(0, Math.min(40, columns - percent.length - text.length - 6));
      const filled = Math.round(room * Math.min(1, Math.max(0, part)));
      const bar = `[${'#'.repeat(filled)}${' '.repeat(room - filled)}]${percent}  ${text}`;
      screen.write(`\r${bar.slice(0, columns - 1)}\x1b[K`);
    },
    clear() {
      if (drawnAt > -Infinity) screen.write('\r\x1b[K');
    },
  };
}
