// The lines of a transcript as statements: a line that begins at the margin, with the indented lines below it. Blank lines and comments
// (`#`) are left out. Knows nothing of what the statements mean.
import { TranscriptError } from './transcript.ts';

export interface TextLine {
  /** From 1, for errors. */
  line: number;
  /** Without the indent; blanks at the end are kept, because in what is sent they count. */
  text: string;
}

export interface Statement extends TextLine {
  /** The indented lines. */
  below: TextLine[];
}

export function readStatements(path: string, source: string): Statement[] {
  const statements: Statement[] = [];
  for (const [index, raw] of source.split('\n').entries()) {
    const line = index + 1;
    const text = raw.replace(/\r$/, '');
    if (/^\s*(#|$)/.test(text)) continue;
    if (!/^\s/.test(text)) {
      statements.push({ line, text, below: [] });
      continue;
    }
    const above = statements.at(-1);
    if (!above) throw new TranscriptError(path, line, 'an indented line belongs to the line above it; there is none');
    above.below.push({ line, text: text.trimStart() });
  }
  return statements;
}

/** For statements that are one line. */
export function expectNothingBelow(path: string, { text, below }: Statement): void {
  const [first] = below;
  if (first) throw new TranscriptError(path, first.line, `nothing can be indented below "${text}"`);
}
