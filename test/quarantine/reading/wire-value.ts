// Reads an IMAP value (ENVELOPE, BODYSTRUCTURE) as a client would: strict, so that a value which is not well formed
// fails the test that looks at it.
import assert from 'node:assert/strict';

/** A string (one character per byte), NIL, a number, or a list. */
export type WireValue = string | null | number | WireValue[];

export function readWireValue(wire: string): WireValue {
  const root: WireValue[] = [];
  const open: WireValue[][] = [root];
  let at = 0;
  while (at < wire.length) {
    const list = open.at(-1);
    assert.ok(list, 'a list is closed once');
    const char = wire[at];
    if (char === '(') {
      const inner: WireValue[] = [];
      list.push(inner);
      open.push(inner);
      at++;
    } else if (char === ')') {
      open.pop();
      at++;
    } else if (char === ' ') {
      assert.ok(wire[at + 1] !== ' ' && wire[at + 1] !== ')' && wire[at - 1] !== '(', `stray space at ${at}`);
      at++;
    } else {
      const { value, end } = readAtom(wire, at);
      list.push(value);
      at = end;
    }
  }
  assert.equal(open.length, 1, 'every list is closed');
  assert.equal(root.length, 1, 'it is one value');
  return root[0] ?? null;
}

function readAtom(wire: string, at: number): { value: WireValue; end: number } {
  const literal = /\{(\d+)\}\r\n/y;
  literal.lastIndex = at;
  const length = literal.exec(wire)?.[1];
  if (length !== undefined) {
    const end = literal.lastIndex + Number(length);
    assert.ok(end <= wire.length, 'a literal is as long as it says');
    return { value: wire.slice(literal.lastIndex, end), end };
  }
  if (wire[at] === '"') return readQuoted(wire, at);
  const word = /NIL|\d+/y;
  word.lastIndex = at;
  const text = word.exec(wire)?.[0];
  assert.ok(text !== undefined, `not a value at ${at}: ${JSON.stringify(wire.slice(at, at + 20))}`);
  return { value: text === 'NIL' ? null : Number(text), end: word.lastIndex };
}

function readQuoted(wire: string, start: number): { value: string; end: number } {
  const special = /["\\]/g;
  const pieces: string[] = [];
  let from = start + 1;
  special.lastIndex = from;
  for (let match = special.exec(wire); match; match = special.exec(wire)) {
    pieces.push(wire.slice(from, match.index));
    if (match[0] === '"') {
      const value = pieces.join('');
      assert.doesNotMatch(value, /[\0\r\n\x80-\xff]/, 'a quoted string holds 7-bit text');
      return { value, end: match.index + 1 };
    }
    const escaped = wire[match.index + 1];
    assert.ok(escaped === '"' || escaped === '\\', 'only quotes and backslashes are escaped');
    from = match.index + 1;
    special.lastIndex = from + 1;
  }
  assert.fail('a quoted string ends');
}
