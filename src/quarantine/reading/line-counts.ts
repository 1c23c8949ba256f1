// Counts the line ends of many byte ranges, which may lie inside each other, in one pass over the bytes.
// Counting each range by itself would read a message in a message in a message once per level. Called by analyse-message.

interface Range {
  bodyStart: number;
  bodyEnd: number;
}

const LF = 10;

/** Number of LF in each range. Bytes outside of all ranges are not looked at. */
export function countLines<T extends Range>(raw: Buffer, ranges: readonly T[]): Map<T, number> {
  const marks = ranges
    .flatMap((range) => [
      { at: range.bodyStart, opens: 1 },
      { at: range.bodyEnd, opens: -1 },
    ])
    .sort((a, b) => a.at - b.at);
  const linesBefore = new Map<number, number>();
  let lines = 0;
  let open = 0;
  let at = 0;
  for (const mark of marks) {
    if (open > 0) {
      for (; at < mark.at; at++) if (raw[at] === LF) lines++;
    }
    at = mark.at;
    linesBefore.set(at, lines);
    open += mark.opens;
  }
  const count = (range: T): number => (linesBefore.get(range.bodyEnd) ?? 0) - (linesBefore.get(range.bodyStart) ?? 0);
  return new Map(ranges.map((range) => [range, count(range)]));
}
