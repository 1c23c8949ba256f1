// Reads a message and holds the reading against everything that must be true of any message whatsoever. Used by all
// tests of reading; the ones with strange input need no other assertion.
import assert from 'node:assert/strict';
import { analyseMessage } from '../../../src/quarantine/reading/analyse-message.ts';
import { type ReadingLimits, defaultLimits } from '../../../src/quarantine/reading/limits.ts';
import type { MessageRange, Reading, ReadingPart } from '../../../src/quarantine/reading/reading.ts';
import { type WireValue, readWireValue } from './wire-value.ts';

/** Lines joined by CRLF, characters as bytes; a last line that is empty gives a line end at the end. */
export function message(...lines: string[]): Buffer {
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/** Without the net of readMessage, which would hide an exception. */
export function checkedReading(raw: Buffer, limits: Partial<ReadingLimits> = {}): Reading {
  const before = raw.length < 1e6 ? Buffer.from(raw) : null;
  const reading = analyseMessage(raw, { ...defaultLimits, ...limits });
  if (before) assert.ok(before.equals(raw), 'the bytes are left alone');
  checkHeader(raw, reading);
  checkParts(raw, reading);
  checkStructure(reading);
  const json = JSON.stringify(reading);
  if (json.length < 5e5) assert.deepEqual(JSON.parse(json), reading, 'it is plain data');
  return reading;
}

export function slice(raw: Buffer, start: number, end: number): string {
  return raw.toString('latin1', start, end);
}

export function partOf(reading: Reading, path: string): ReadingPart {
  const part = reading.parts.find((candidate) => candidate.path === path);
  assert.ok(part, `there is a part ${path}`);
  return part;
}

/** BODY[path]. */
export function bodyOf(raw: Buffer, reading: Reading, path: string): string {
  const part = partOf(reading, path);
  return slice(raw, part.bodyStart, part.bodyEnd);
}

function checkHeader(raw: Buffer, reading: Reading): void {
  assert.equal(reading.sizeBytes, raw.length);
  // The definition, written another way: up to and with the first line that is nothing but a line end.
  const first = /^\r?\n/.exec(raw.toString('latin1', 0, 2))?.[0].length;
  const later = [raw.indexOf('\n\n'), raw.indexOf('\n\r\n')].map((at, i) => (at < 0 ? raw.length : at + 2 + i));
  assert.equal(reading.headerBytes, first ?? Math.min(...later), 'the header ends at the first empty line');
  const envelope = readWireValue(reading.envelope);
  assert.ok(Array.isArray(envelope) && envelope.length === 10, 'an ENVELOPE has ten members');
  if (reading.listHeader !== null) assert.ok(reading.listHeader.endsWith('\r\n'), 'the header fields end as lines');
}

function checkParts(raw: Buffer, reading: Reading): void {
  const paths = new Map(reading.parts.map((part) => [part.path, part]));
  assert.equal(paths.size, reading.parts.length, 'a number names one part');
  let previous: ReadingPart | null = null;
  for (const part of reading.parts) {
    checkRange(part, { start: 0, end: raw.length });
    assert.match(part.path, /^[1-9]\d*(\.[1-9]\d*)*$/);
    const parent = paths.get(part.path.replace(/\.?\d+$/, ''));
    if (parent) {
      const around = parent.embedded ?? parent;
      assert.ok(around.headerStart <= part.headerStart && part.bodyEnd <= parent.bodyEnd, `${part.path} is inside`);
    }
    if (previous && !part.path.startsWith(`${previous.path}.`)) {
      assert.ok(previous.bodyEnd <= part.bodyStart, `${part.path} comes after ${previous.path}`);
    }
    if (part.embedded) {
      checkRange(part.embedded, { start: part.bodyStart, end: part.bodyEnd });
      assert.equal(part.embedded.headerStart, part.bodyStart);
      assert.equal(part.embedded.bodyEnd, part.bodyEnd);
    }
    const counted = part.type.startsWith('text/') || part.embedded !== undefined;
    assert.equal(part.lines, counted ? countLines(raw, part.bodyStart, part.bodyEnd) : 0, `lines of ${part.path}`);
    previous = part;
  }
}

function checkRange(range: MessageRange, bounds: { start: number; end: number }): void {
  const { headerStart, headerEnd, bodyStart, bodyEnd } = range;
  const order = [bounds.start, headerStart, headerEnd, bodyEnd, bounds.end];
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
    'ranges are in order and within bounds',
  );
  assert.equal(headerEnd, bodyStart);
}

function countLines(raw: Buffer, start: number, end: number): number {
  let lines = 0;
  for (let at = raw.indexOf(10, start); at >= 0 && at < end; at = raw.indexOf(10, at + 1)) lines++;
  return lines;
}

/** BODY and BODYSTRUCTURE are well formed, agree with each other and with the part list. */
function checkStructure(reading: Reading): void {
  const structure = readWireValue(reading.bodyStructure);
  const body = readWireValue(reading.body);
  const seen: { path: string; type: string; size: number | null }[] = [];
  const work: { path: string; structure: WireValue; body: WireValue; whole: boolean }[] = [
    { path: '', structure, body, whole: true },
  ];
  for (let next = work.pop(); next; next = work.pop()) {
    const { structure: full, body: basic, whole } = next;
    assert.ok(Array.isArray(full) && Array.isArray(basic));
    if (Array.isArray(full[0])) {
      const count = full.findIndex((value) => !Array.isArray(value));
      assert.equal(full.length, count + 5, 'a multipart has a subtype and four extension fields');
      assert.deepEqual(basic.slice(count), full.slice(count, count + 1), 'BODY has only the subtype');
      if (!whole) seen.push({ path: next.path, type: `multipart/${String(full[count])}`, size: null });
      const prefix = next.path === '' ? '' : `${next.path}.`;
      for (let i = count; i > 0; i--) {
        work.push({
          path: `${prefix}${i}`,
          structure: full[i - 1] ?? null,
          body: basic[i - 1] ?? null,
          whole: false,
        });
      }
      continue;
    }
    const path = whole ? `${next.path}${next.path === '' ? '' : '.'}1` : next.path;
    const type = `${String(full[0])}/${String(full[1])}`.toLowerCase();
    assert.equal(typeof full[6], 'number');
    seen.push({ path, type, size: Number(full[6]) });
    const isMessage = type === 'message/rfc822';
    const specific = isMessage ? 3 : type.startsWith('text/') ? 1 : 0;
    assert.equal(full.length, 7 + specific + 4, `${type} has its fields and four extension fields`);
    assert.equal(basic.length, 7 + specific);
    if (isMessage) {
      assert.ok(Array.isArray(full[7]) && full[7].length === 10, 'an envelope inside has ten members');
      work.push({ path, structure: full[8] ?? null, body: basic[8] ?? null, whole: true });
    }
    basic.forEach((value, index) => {
      if (!(isMessage && index === 8)) assert.deepEqual(value, full[index]);
    });
  }
  const listed = reading.parts.map(({ path, type, bodyStart, bodyEnd }) => ({
    path,
    type,
    size: type.startsWith('multipart/') ? null : bodyEnd - bodyStart,
  }));
  assert.deepEqual(
    seen.map((part) => ({ ...part, type: part.type.toLowerCase() })),
    listed,
    'the structure lists the same parts',
  );
}
