// The lines that Thunderbird and mbsync add to what they append.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeClientLines } from '../../../src/quarantine/reading/client-lines.ts';
import { message } from './checked-reading.ts';

const clean = message('From: a@b', 'Subject: x', '', 'X-Mozilla-Status: in the body', '');

test('X-Mozilla-* lines are removed wherever they stand in the header, folded ones whole', () => {
  const raw = message(
    'X-Mozilla-Status: 0001',
    'x-mozilla-status2: 00000000',
    'From: a@b',
    `X-Mozilla-Keys: ${' '.repeat(80)}`,
    '  folded',
    '\tagain',
    'Subject: x',
    'X-MOZILLA-Draft-Info: y',
    '',
    'X-Mozilla-Status: in the body',
    '',
  );
  assert.equal(removeClientLines(raw).toString(), clean.toString());
});

test('the mark of mbsync is removed, and nothing that only begins like it', () => {
  const raw = message(
    'From: a@b',
    'X-TUID: vzsuSOBXgStC',
    'X-TUID-Of-Others: 1',
    'Subject: x',
    '',
    'X-TUID: in the body',
  );
  const kept = message('From: a@b', 'X-TUID-Of-Others: 1', 'Subject: x', '', 'X-TUID: in the body');
  assert.equal(removeClientLines(raw).toString(), kept.toString());
});

test('a message without them is returned as it is, the same buffer', () => {
  for (const raw of [
    clean,
    message(''),
    message('X-Mozilla'),
    message('X-Mozilla: x', '', ''),
    message('', 'X-Mozilla-A: b'),
  ]) {
    assert.equal(removeClientLines(raw), raw);
  }
});

test('nothing else is changed: bare LF, NUL, lines that are no fields', () => {
  const raw = Buffer.from('X-Mozilla-Status: 1\nX-Other\0: \r y\nno field\nX-Mozilla-Keys:\n\nbody\r\n', 'latin1');
  assert.equal(removeClientLines(raw).toString('latin1'), 'X-Other\0: \r y\nno field\n\nbody\r\n');
});

test('a header that consists of them is gone, the empty line stays', () => {
  assert.equal(removeClientLines(message('X-Mozilla-Status: 1', '', 'body')).toString(), '\r\nbody');
  assert.equal(removeClientLines(message('X-Mozilla-Status: 1')).toString(), '');
});

test('a header of nothing but short lines makes neither a string nor a buffer of each', (context) => {
  const raw = Buffer.from('X-TUID:\r\na:\r\n'.repeat(1000));
  const [strings, buffers] = [context.mock.method(raw, 'toString'), context.mock.method(raw, 'subarray')];
  assert.equal(removeClientLines(raw).toString(), 'a:\r\n'.repeat(1000));
  assert.ok(strings.mock.callCount() + buffers.mock.callCount() < 10);
});
