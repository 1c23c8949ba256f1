// Mistakes in a settings file, told to the person who wrote it: which key, which line, what is there, what is expected; all of them at
// once. Turns zod's issues and the YAML parser's complaints into that form. Never shows a password, nor a stack trace.
// Called by src/settings.ts; the command line prints SettingsError's message as it stands.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';

export interface SettingsProblem {
  /** Path as a person would write it: `imap.listen[1].port`; '' when the file as a whole is meant. */
  key: string;
  /** Line in the file, from 1; of the nearest thing that is there when the key is missing. */
  line?: number;
  /** What was found: `is 99999`, `is missing`. */
  problem: string;
  /** What would be right, ready to follow "expected". */
  expected: string;
}

export type KeyPath = readonly PropertyKey[];

/** What cross-checks and zod find before lines are known. */
export interface PathProblem {
  path: KeyPath;
  problem: string;
  expected: string;
}

export class SettingsError extends Error {
  readonly problems: readonly SettingsProblem[];

  constructor(file: string, problems: readonly SettingsProblem[]) {
    const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
    super(`${file} has ${count}:\n${problems.map((problem) => `  ${sentence(problem)}`).join('\n')}`);
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

/** A YAML file that could be read, or at least searched for lines. */
export interface SettingsText {
  /** Maps, lists and scalars; keys without a value are left out, so that a section whose lines are commented out has its defaults. */
  content: unknown;
  syntaxProblems: SettingsProblem[];
  lineOf: (path: KeyPath) => number | undefined;
}

export function readSettingsText(text: string): SettingsText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntaxProblems = [...document.errors, ...document.warnings].map((error) => ({
    key: '',
    line: lines.linePos(error.pos[0]).line,
    problem: `cannot be read as YAML (${error.message.split('\n')[0]})`,
    expected: error.code === 'DUPLICATE_KEY' ? 'each key once' : 'YAML: "key: value" lines, nested by spaces',
  }));
  let content: unknown = {};
  try {
    if (document.errors.every(({ code }) => code === 'DUPLICATE_KEY'))
      content = withoutEmptyKeys(document.toJS()) ?? {};
  } catch (error) {
    const problem = `cannot be read as YAML (${error instanceof Error ? error.message : String(error)})`;
    syntaxProblems.push({ key: '', line: 1, problem, expected: 'aliases (*name) that are defined above (&name)' });
  }
  return { content, syntaxProblems, lineOf: (path) => lineOf(document, lines, path) };
}

/** zod's issues, flattened. The message of each schema says what it expects; an issue without input is a missing key. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], content: unknown, prefix: KeyPath = []): PathProblem[] {
  return issues.flatMap((issue): PathProblem[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      const expected = issue.message.split('\n');
      return issue.keys.map((key, index) => ({
        path: [...path, key],
        problem: 'is unknown',
        expected: expected[index] ?? '',
      }));
    }
    if (issue.code === 'invalid_union' && issue.errors.length) {
      // The form that the person was about to write: the first one that is not already of the wrong kind as a whole.
      const meant = issue.errors.find((errors) => !errors.some((error) => error.path.length === 0 && isKind(error)));
      if (meant) return problemsOf(meant, content, path);
    }
    if (issue.code === 'invalid_key') {
      return [{ path, problem: 'is not possible as a key', expected: issue.issues[0]?.message ?? issue.message }];
    }
    return [{ path, problem: found(valueAt(content, path), path), expected: issue.message }];
  });
}

/** The value at a path, or undefined. */
export function valueAt(content: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    content,
  );
}

/** `imap.listen[1].port` */
export function keyText(path: KeyPath): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key)),
    '',
  );
}

function isKind(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_union';
}

function sentence({ key, line, problem, expected }: SettingsProblem): string {
  return `${line === undefined ? '' : `line ${line}: `}${key ? `${key} ` : ''}${problem}; expected ${expected}`;
}

function found(value: unknown, path: KeyPath): string {
  if (value === undefined) return 'is missing';
  if (value === null) return 'is empty';
  if (Array.isArray(value)) return value.length ? 'is a list' : 'is an empty list';
  if (typeof value === 'object') return 'is a section with keys of its own';
  if (path.some((key) => /password|secret|token/i.test(String(key)))) return `is a ${typeof value} that does not fit`;
  // URLs may carry a user's password; the message ends up in terminals and logs.
  const shown = JSON.stringify(value).replace(/\/\/.*@/, '//…@');
  return `is ${shown.length > 80 ? `${shown.slice(0, 80)}…` : shown}`;
}

function withoutEmptyKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === null ? [] : [[key, withoutEmptyKeys(inner)]])),
  );
}

/** Line of the key at the end of the path, or of the last part of the path that exists. */
function lineOf(document: Document, lines: LineCounter, path: KeyPath): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(key));
      if (!pair) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === 'number') {
      node = node.items[key];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

function startOf(node: unknown): number | undefined {
  const range: unknown = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}
