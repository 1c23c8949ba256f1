// Values as people read them in a terminal. What comes from mail is hostile: nothing here lets a control character through.
// Called by the commands; JSON output is made in answer.ts.
import { readableLine } from '../quarantine/reading/readable.ts';

/** One line, no control characters, at most `width` columns; what was cut off ends in `…`. */
export function shownText(text: string, width = Infinity): string {
  const line = readableLine(text, 10_000);
  if (displayWidth(line) <= width) return line;
  let shown = '';
  let columns = 0;
  for (const { segment } of graphemes.segment(line)) {
    columns += displayWidth(segment);
    if (columns > width - 1) break;
    shown += segment;
  }
  return `${shown}…`;
}

const graphemes = new Intl.Segmenter();
const twoColumns =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}/u;

/** How many columns a terminal uses. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += twoColumns.test(segment) ? 2 : 1;
  return columns;
}

export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** At blanks, into lines of at most `width` columns where that is possible; a longer word has a line of its own. */
export function wrapped(line: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  let columns = 0;
  for (const word of line.split(' ')) {
    const wordColumns = displayWidth(word);
    if (current && columns + 1 + wordColumns > width) {
      lines.push(current);
      current = word;
      columns = wordColumns;
    } else {
      current = current ? `${current} ${word}` : word;
      columns += (columns ? 1 : 0) + wordColumns;
    }
  }
  return [...lines, current];
}

/** ISO 8601 in local time, to the minute: `2026-03-01 17:05`. */
export function shownDate(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `980 B`, `1.4 kB`, `23 MB`: decimal, as in the settings. */
export function shownSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** The way the settings write it: `14d`, `90m`; the largest unit that fits exactly. */
export function shownDuration(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const;
  for (const [name, length] of units) if (ms >= length && ms % length === 0) return `${ms / length}${name}`;
  return `${Math.round(ms / 1000)}s`;
}

export function shownNumber(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 message`, `12,345 messages`. */
export function shownCount(value: number, noun: string): string {
  return `${shownNumber(value)} ${noun}${value === 1 ? '' : 's'}`;
}
