// The dialogue part of a transcript: `C:` and `S:` lines in the order in which they go over the wire, and what happens besides (`--`). Checks
// what can be checked without a server, so that a mistake in a transcript is told as one.
import { readBlock } from './mail-list.ts';
import { addMails, readHeldMail } from './parse-stage.ts';
import { credential, knownKinds, placeholdersIn, shapeOf } from './placeholders.ts';
import { expectNothingBelow } from './statements.ts';
import type { Statement, TextLine } from './statements.ts';
import { TranscriptError } from './transcript.ts';
import type { ExpectedResponse, Given, Step } from './transcript.ts';

export function parseDialogue(path: string, statements: readonly Statement[], given: Given): Step[] {
  const parser = new DialogueParser(path, given);
  for (const statement of statements) parser.add(statement);
  return parser.finish();
}

const eventForms = [
  '-- connects with TLS',
  '-- connects with TLS and logs in as NAME (also: 2 connects ...; in clear)',
  '-- starts TLS',
  '-- is reset',
  '-- hangs up',
  '-- is closed by the server',
  '-- arrives in Caught of ADDRESS: "SUBJECT"',
  '-- everything due is done',
];

class DialogueParser {
  readonly #path: string;
  readonly #given: Given;
  readonly #steps: Step[] = [];
  /** Placeholders that a line of the server has bound. */
  readonly #bound = new Set<string>();
  /** A line of the client that announces a literal which has not come yet, by connection. */
  readonly #announced = new Map<number, { line: number; size: number | null; step: { text: string } }>();
  /** A response whose rest follows its literal. */
  #unfinished: { connection: number; response: ExpectedResponse } | null = null;

  constructor(path: string, given: Given) {
    this.#path = path;
    this.#given = given;
  }

  add(statement: Statement): void {
    const { line, text } = statement;
    const [, event] = /^-- (.*)$/.exec(text) ?? [];
    if (event !== undefined) return this.#addEvent(statement, event.trimEnd());
    const [whole, who, number = '', how = '', said = ''] = /^([CS])(\d*)(?:, ([^:]+))?:(?: (.*))?$/.exec(text) ?? [];
    if (whole === undefined) {
      const wanted = '"C: ...", "S: ..." or "-- ..." was expected (with several connections "C2: ...")';
      throw this.#error(line, `${wanted}; there is: ${text}`);
    }
    const connection = Number(number || 1);
    if (who === 'S') return this.#addExpected(statement, connection, how, said);
    this.#expectFinished(line);
    if (how === '') this.#addLine(statement, connection, said);
    else if (how === 'literal') this.#addLiteral(statement, connection);
    else if (how === 'broken off') this.#addPart(statement, connection, said);
    else throw this.#error(line, `after "C," "literal" or "broken off" was expected; there is: ${how}`);
  }

  finish(): Step[] {
    this.#expectFinished(this.#unfinished?.response.line ?? 0);
    for (const [connection] of this.#announced) this.#expectLiteralGiven(connection);
    return this.#steps;
  }

  #addEvent(statement: Statement, event: string): void {
    const { line } = statement;
    this.#expectFinished(line);
    const [, arriving] = /^arrives in (.*)$/.exec(event) ?? [];
    if (arriving !== undefined) {
      const mail = readHeldMail(this.#path, line, arriving);
      if (!mail) throw this.#error(line, 'after "arrives in" a folder was expected: Caught of ADDRESS: "SUBJECT"');
      addMails(this.#path, statement, mail.subjects, this.#given.mails);
      this.#steps.push({ line, connection: 0, kind: 'arrive', mail });
      return;
    }
    expectNothingBelow(this.#path, statement);
    if (event === 'everything due is done') {
      this.#steps.push({ line, connection: 0, kind: 'settle' });
      return;
    }
    const [, number = '', what = ''] = /^(?:(\d+) )?(.*)$/.exec(event) ?? [];
    const at = { line, connection: Number(number || 1) };
    const [connects, how, login] = /^connects (with TLS|in clear)(?: and logs in as (\S+))?$/.exec(what) ?? [];
    if (connects !== undefined) {
      if (login !== undefined) this.#expectLogin(line, login);
      this.#steps.push({ ...at, kind: 'connect', tls: how === 'with TLS', logInAs: login ?? null });
    } else if (what === 'starts TLS') this.#steps.push({ ...at, kind: 'start TLS' });
    else if (what === 'is reset') this.#steps.push({ ...at, kind: 'leave', reset: true });
    else if (what === 'hangs up') this.#steps.push({ ...at, kind: 'leave', reset: false });
    else if (what === 'is closed by the server') this.#steps.push({ ...at, kind: 'server leaves' });
    else throw this.#error(line, `one of these was expected:\n  ${eventForms.join('\n  ')}\nthere is:\n  -- ${event}`);
  }

  #addLine(statement: Statement, connection: number, text: string): void {
    const { line } = statement;
    expectNothingBelow(this.#path, statement);
    this.#expectLiteralGiven(connection);
    for (const name of placeholdersIn(text)) {
      const [, login] = /^plain (\S+)(?: as \1)?$/.exec(name) ?? [];
      if (login !== undefined) this.#expectLogin(line, login);
      if (credential(name, '') !== null || this.#bound.has(name)) continue;
      throw this.#error(line, `<${name}> is used before a line of the server has bound it`);
    }
    const step = { line, connection, kind: 'send line' as const, text };
    this.#steps.push(step);
    const [announced, size] = /\{(\d*)\+?\}$/.exec(text) ?? [];
    if (announced !== undefined) this.#announced.set(connection, { line, size: size ? Number(size) : null, step });
  }

  #addLiteral({ line, below }: Statement, connection: number): void {
    const announced = this.#announced.get(connection);
    if (!announced)
      throw this.#error(line, 'no line of the client announces this literal: it would end with {} or {+}');
    this.#announced.delete(connection);
    const bytes = readBlock(this.#path, below, this.#given.mails);
    if (announced.size !== null && announced.size !== bytes.length) {
      const sizes = `this literal has ${bytes.length} bytes, but ${announced.size} are announced above`;
      throw this.#error(line, `${sizes}; write {} or {+}, and they are counted`);
    }
    announced.step.text = announced.step.text.replace(/\{(\+?)\}$/, `{${bytes.length}$1}`);
    this.#steps.push({ line, connection, kind: 'send literal', bytes });
  }

  #addPart({ line, below }: Statement, connection: number, text: string): void {
    this.#announced.delete(connection);
    const bytes = text ? Buffer.from(text) : readBlock(this.#path, below, this.#given.mails);
    if (!bytes.length || (text && below.length)) {
      throw this.#error(line, 'after "broken off:" either text or an indented block was expected');
    }
    this.#steps.push({ line, connection, kind: 'send part', bytes });
  }

  #addExpected(statement: Statement, connection: number, how: string, text: string): void {
    const { line, below } = statement;
    if (this.#unfinished) {
      const { response } = this.#unfinished;
      if (this.#unfinished.connection !== connection || how) this.#expectFinished(line);
      this.#unfinished = null;
      response.parts.push({ text });
      this.#noteBound(line, text);
      this.#addLiteralPart(statement, connection, response, text);
      return;
    }
    const [, first, last] = /^for n from (\d+) to (\d+)$/.exec(how) ?? [];
    if (how === '' && text === '...') {
      expectNothingBelow(this.#path, statement);
      this.#steps.push({ line, connection, kind: 'expect anything' });
    } else if (how === '') {
      const response: ExpectedResponse = { line, parts: [{ text }] };
      this.#noteBound(line, text);
      this.#steps.push({ line, connection, kind: 'expect', response });
      this.#addLiteralPart(statement, connection, response, text);
    } else if (how === 'in any order') {
      const responses = this.#linesBelow(statement, text).map((one) => this.#oneLine(one));
      this.#steps.push({ line, connection, kind: 'expect in any order', responses });
    } else if (first !== undefined && last !== undefined) {
      const templates = this.#linesBelow(statement, text);
      for (const n of countFrom(Number(first), Number(last))) {
        for (const template of templates) {
          const response = this.#oneLine({ ...template, text: withNumber(template.text, n) });
          this.#steps.push({ line: template.line, connection, kind: 'expect', response });
        }
      }
    } else throw this.#error(line, `after "S," "in any order" or "for n from 1 to 9" was expected; there is: ${how}`);
    if (how === '' && below.length && !this.#unfinished) {
      throw this.#error(line, 'a block below a line of the server is a literal: the line has to end with {}');
    }
  }

  #addLiteralPart({ below }: Statement, connection: number, response: ExpectedResponse, text: string): void {
    if (!text.endsWith('{}')) return;
    response.parts[response.parts.length - 1] = { text: text.slice(0, -2) };
    response.parts.push({ literal: readBlock(this.#path, below, this.#given.mails) });
    this.#unfinished = { connection, response };
  }

  #linesBelow({ line, below }: Statement, text: string): TextLine[] {
    if (text || !below.length) throw this.#error(line, 'the lines of the server were expected indented below this one');
    return below;
  }

  #oneLine({ line, text }: TextLine): ExpectedResponse {
    this.#noteBound(line, text);
    return { line, parts: [{ text }] };
  }

  #noteBound(line: number, text: string): void {
    for (const name of placeholdersIn(text)) {
      if (shapeOf(name) === null) {
        throw this.#error(line, `the first word of <${name}> is none of: ${knownKinds.join(', ')}`);
      }
      this.#bound.add(name);
    }
  }

  #expectLogin(line: number, login: string): void {
    if (!this.#given.logins.includes(login)) throw this.#error(line, `the given part has no "login ${login}"`);
  }

  #expectFinished(line: number): void {
    if (!this.#unfinished) return;
    const { connection, response } = this.#unfinished;
    const wanted = `the rest of the response was expected, after the literal that begins in line ${response.line}`;
    throw this.#error(line || response.line, `${wanted}: "S${connection}: )" or the like`);
  }

  #expectLiteralGiven(connection: number): void {
    const announced = this.#announced.get(connection);
    this.#announced.delete(connection);
    if (announced?.size === null) throw this.#error(announced.line, '"C, literal:" was expected after {} or {+}');
  }

  #error(line: number, text: string): TranscriptError {
    return new TranscriptError(this.#path, line, text);
  }
}

function countFrom(first: number, last: number): number[] {
  const step = first <= last ? 1 : -1;
  return Array.from({ length: Math.abs(last - first) + 1 }, (_, i) => first + i * step);
}

/** `<n>` becomes the number, and so does `n` in `<uid n>`. */
function withNumber(text: string, n: number): string {
  return text.replaceAll('<n>', String(n)).replace(/<([a-z]+(?: [^<>]+)?) n>/g, `<$1 ${n}>`);
}
