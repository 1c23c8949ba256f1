// Reads one complete command line (RFC 9051 section 9) into a tag, a name and a tree of arguments, in linear time. The
// line holds one byte per character; a literal stands in it as `{n}` CRLF, and its octets come beside it. Takes the place
// of imap-core's parser, which answers BAD to legal lines (`LIST "" Caught*`, `SEARCH NOT (UID 1:5)`, `UID SEARCH UID *:4`,
// a password `1,x`) and needs time with the square of a long UID set. Its messages never quote the client: they are logged.

import { BadCommand } from './answers.ts';
import type { Argument, SectionArgument } from './command.ts';

export interface ParsedLine {
  readonly tag: string;
  /** Upper case, with UID or AUTHENTICATE's mechanism: `UID FETCH`, `AUTHENTICATE PLAIN`. */
  readonly command: string;
  readonly args: readonly Argument[];
}

const maxDepth = 50;
const endOfRun = /["\\\0\r\n]/g;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Throws BadCommand. */
export function parseLine(line: string, literals: readonly Buffer[]): ParsedLine {
  const parser = new LineParser(line, literals);
  return parser.parse();
}

/** Like parseLine for a line that ends before a literal: what has been said so far, null when it cannot be read yet. */
export function parseBeginning(line: string, literals: readonly Buffer[]): ParsedLine | null {
  try {
    return parseLine(line, literals);
  } catch {
    return null;
  }
}

/** The bytes of a string in any of its three forms, null for anything that is no string. */
export function stringOf(argument: Argument | undefined): string | null {
  return argument !== undefined && 'value' in argument ? argument.value : null;
}

/**
 * A string as text. Bytes that are no UTF-8 are taken for Latin-1: what old clients mean by them.
 * Null for anything that is no string.
 */
export function textOf(argument: Argument | undefined): string | null {
  const bytes = stringOf(argument);
  return bytes === null ? null : decodeText(Buffer.from(bytes, 'latin1'));
}

export function decodeText(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}

class LineParser {
  readonly #line: string;
  readonly #literals: readonly Buffer[];
  #usedLiterals = 0;
  #at = 0;

  constructor(line: string, literals: readonly Buffer[]) {
    this.#line = line;
    this.#literals = literals;
  }

  parse(): ParsedLine {
    const head = /^([^\0-\x20(){%*"\\+\x7f]+) ((?:UID |AUTHENTICATE )?[A-Za-z0-9-]+)(?= |$)/i.exec(this.#line);
    if (head === null) throw new BadCommand('A command is a tag, a space and a name');
    this.#at = head[0].length;
    const args: Argument[] = [];
    while (this.#skipSpaces()) args.push(this.#argument(0));
    // A literal that no argument used stood inside a quoted string: the client and we do not mean the same command.
    if (this.#usedLiterals !== this.#literals.length) throw new BadCommand('A literal stands where none may be');
    return { tag: head[1] ?? '', command: (head[2] ?? '').toUpperCase(), args };
  }

  /** False at the end of the line. More spaces than one are forgiven. */
  #skipSpaces(): boolean {
    while (this.#line[this.#at] === ' ') this.#at++;
    return this.#at < this.#line.length;
  }

  #argument(depth: number): Argument {
    switch (this.#line[this.#at]) {
      case '(':
        return this.#list(depth);
      case '"':
        return { kind: 'string', value: this.#quoted() };
      case '{':
        return this.#literal();
      default:
        return this.#atomOrSection(depth);
    }
  }

  #list(depth: number): Argument {
    if (depth >= maxDepth) throw new BadCommand(`Parentheses may be nested ${maxDepth} deep at most`);
    this.#at++;
    const items: Argument[] = [];
    while (this.#skipSpaces() && this.#line[this.#at] !== ')') items.push(this.#argument(depth + 1));
    this.#expect(')', 'A parenthesis is not closed');
    return { kind: 'list', items };
  }

  #quoted(): string {
    const parts: string[] = [];
    let from = ++this.#at;
    for (;;) {
      endOfRun.lastIndex = from;
      const found = endOfRun.exec(this.#line);
      const end = found?.index ?? this.#line.length;
      const character = found?.[0];
      parts.push(this.#line.slice(this.#at, end));
      if (character === '"') {
        this.#at = end + 1;
        return parts.join('');
      }
      if (character !== '\\') throw new BadCommand('A quoted string is not closed');
      // RFC 9051 section 9 (quoted-specials): only `\"` and `\\` exist. In anything else the backslash is meant as such:
      // programs that forget to escape send `"DOMAIN\user"`.
      const escaped = this.#line[end + 1];
      this.#at = escaped === '"' || escaped === '\\' ? end + 1 : end;
      from = escaped === '"' || escaped === '\\' ? end + 2 : end + 1;
    }
  }

  #literal(): Argument {
    const marker = /\{\d+\}\r\n/y;
    marker.lastIndex = this.#at;
    const bytes = this.#literals[this.#usedLiterals];
    if (!marker.test(this.#line) || bytes === undefined) throw new BadCommand('A literal must end its line');
    this.#usedLiterals++;
    this.#at = marker.lastIndex;
    return {
      kind: 'literal',
      bytes,
      get value() {
        return bytes.toString('latin1');
      },
    };
  }

  #atomOrSection(depth: number): Argument {
    const section = /(BODY(?:\.PEEK)?)\[/iy;
    section.lastIndex = this.#at;
    const name = section.exec(this.#line)?.[1]?.toUpperCase();
    if (name === 'BODY' || name === 'BODY.PEEK') {
      this.#at = section.lastIndex;
      return this.#section(name, depth);
    }
    // Wider than the standard's atom, which no two clients agree on: wildcards, "]", backslashes and 8-bit bytes are let in.
    const value = this.#match(/[^\0-\x20(){"\x7f]+/y);
    if (value === null) throw new BadCommand(`Character ${this.#at + 1} of the command cannot begin an argument`);
    const next = this.#line[this.#at];
    if (next !== undefined && next !== ' ' && next !== ')') {
      throw new BadCommand(`A space is missing before character ${this.#at + 1} of the command`);
    }
    return value.toUpperCase() === 'NIL' ? { kind: 'nil' } : { kind: 'atom', value };
  }

  #section(name: SectionArgument['name'], depth: number): Argument {
    const section = (this.#match(/[A-Za-z0-9.]+/y) ?? '').toUpperCase();
    this.#skipSpaces();
    const fields = this.#line[this.#at] === '(' ? this.#fieldNames(depth) : null;
    this.#skipSpaces();
    this.#expect(']', 'A section must end with "]"');
    let partial: SectionArgument['partial'] = null;
    if (this.#line[this.#at] === '<') {
      const range = /^<(\d{1,15})\.(\d{1,15})>$/.exec(this.#match(/<[\d.]*>/y) ?? '');
      if (range === null) throw new BadCommand('A part of a section is written <start.length>');
      partial = { start: Number(range[1]), length: Number(range[2]) };
    }
    return { kind: 'section', name, section, fields, partial };
  }

  #fieldNames(depth: number): string[] {
    const list = this.#list(depth);
    const names = list.kind === 'list' ? list.items.map(stringOf) : [];
    if (names.length === 0) throw new BadCommand('A list of header fields must not be empty');
    return names.map((name) => {
      if (name === null) throw new BadCommand('A list of header fields holds names only');
      return name;
    });
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#line)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #expect(character: string, problem: string): void {
    if (this.#line[this.#at] !== character) throw new BadCommand(problem);
    this.#at++;
  }
}
