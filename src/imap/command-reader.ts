// Puts a command together from its lines and literals, synchronising and not (RFC 7888), within the limits that the
// connection sets. Whatever is refused, the bytes that belong to it are read away first, so that no part of a message
// that somebody uploads is ever taken for a command. Decides nothing else. Called by command-loop.ts.

import type { Answer } from './command.ts';
import type { InputStream, Line } from './input-stream.ts';

export type Incoming =
  /** `text` holds each literal as `{n}` CRLF; their octets are in `literals`, in order. */
  | { readonly kind: 'command'; readonly text: string; readonly literals: readonly Buffer[] }
  | { readonly kind: 'refused'; readonly tag: string; readonly answer: Answer }
  /** Nothing can be saved: say goodbye with this text. */
  | { readonly kind: 'hopeless'; readonly text: string }
  | { readonly kind: 'end' };

/** What the connection allows to the command that it is reading. `text` is what has been read of it. */
export interface ReadingRules {
  /** All lines of one command together, in bytes. */
  readonly maxLineBytes: number;
  /** One literal, in bytes; all literals of a command may exceed it by the length of its lines. */
  maxLiteralBytes(text: string): number;
  /** What is answered to a larger one. */
  tellTooBig(text: string, maxBytes: number): string;
  /** Asked for each literal that is small enough, before it is taken in; null takes it. */
  refuseLiteral(text: string, literals: readonly Buffer[]): Promise<Answer | null>;
  /** Asks the client for a synchronising literal. */
  goAhead(): Promise<void>;
}

/** A literal that nobody waits for our word with is read away up to this multiple of what is allowed. */
const patience = 4;

export async function readCommand(input: InputStream, rules: ReadingRules): Promise<Incoming> {
  const literals: Buffer[] = [];
  let literalBytes = 0;
  let text = '';
  let refusal: Answer | null = null;
  for (;;) {
    const line = await input.readLine(Math.max(rules.maxLineBytes - text.length, 0));
    if (line.kind === 'end') return line;
    if (line.kind === 'endless') return { kind: 'hopeless', text: 'The line is too long' };
    if (line.kind === 'too long') {
      refusal ??= { response: 'BAD', text: `The command is too long: at most ${rules.maxLineBytes} bytes are read` };
    }
    const literal = announcedLiteral(line);
    if (refusal === null) text += literal === null ? lineText(line) : literal.before;
    else if (text === '') text = lineText(line);
    if (literal === null) break;

    const allowed = rules.maxLiteralBytes(text);
    if (!literal.waits && literal.size > allowed * patience) {
      return { kind: 'hopeless', text: `[TOOBIG] A literal of ${literal.size} bytes is not read` };
    }
    if (literal.size > allowed || literalBytes + literal.size > allowed + rules.maxLineBytes) {
      refusal ??= { response: 'NO', code: 'TOOBIG', text: rules.tellTooBig(text, allowed) };
    }
    refusal ??= await rules.refuseLiteral(text, literals);
    if (refusal !== null) {
      // RFC 9051 section 4.3: a client that waits for "+" and gets a tagged NO does not send the literal.
      if (literal.waits) break;
      // RFC 7888 section 4: one that does not wait has sent it already.
      if (!(await input.skipBytes(literal.size))) return { kind: 'end' };
      continue;
    }
    if (literal.waits) await rules.goAhead();
    const bytes = await input.readBytes(literal.size);
    if (bytes === null) return { kind: 'end' };
    literals.push(bytes);
    literalBytes += literal.size;
    text += `{${literal.size}}\r\n`;
  }
  return refusal === null
    ? { kind: 'command', text, literals }
    : { kind: 'refused', tag: /^[^\0-\x20(){%*"\\+\x7f]+(?= )/.exec(text)?.[0] ?? '*', answer: refusal };
}

function lineText(line: Extract<Line, { kind: 'line' | 'too long' }>): string {
  return line.kind === 'line' ? line.text : line.beginning;
}

function announcedLiteral(line: Extract<Line, { kind: 'line' | 'too long' }>) {
  const ending = line.kind === 'line' ? line.text : line.ending;
  const marker = /\{(\d+)(\+?)\}$/.exec(ending.slice(-64));
  if (marker === null) return null;
  const before = ending.slice(0, ending.length - marker[0].length);
  // A number beyond all measure is still a number: the octets that follow it would otherwise be read as commands.
  return { before, size: Math.min(Number(marker[1]), Number.MAX_SAFE_INTEGER), waits: marker[2] === '' };
}
