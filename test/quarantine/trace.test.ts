import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findOwnTrace, traceHeaderName, traceOf } from '../../src/quarantine/trace.ts';

const hostname = 'quarantine.example.net';
const line = (host = hostname): string => `${traceHeaderName}: ${traceOf({ id: '0192a3', holding: 2 }, host)}`;
const find = (header: string, body = '\r\nbody\r\n'): boolean =>
  findOwnTrace(Buffer.from(header + body), Buffer.byteLength(header) + 2, hostname);

describe('mail that this quarantine released before', () => {
  const own: [name: string, header: string][] = [
    ['at the top, where we put the line', `${line()}\r\nSubject: x\r\n`],
    ['further down, after other servers added theirs', `Received: by x\r\nSubject: x\r\n${line()}\r\nTo: y\r\n`],
    ['with the line in other letter case', `${line().toUpperCase()}\r\n`],
    ['with LF only', `Subject: x\n${line()}\n`],
    ['with trailing blanks', `${line()} \t\r\n`],
    ['in several copies of the line', `${line('other.example')}\r\n${line()}\r\n`],
  ];
  for (const [name, header] of own) test(`is known ${name}`, () => assert.equal(find(header), true));

  test('is known in a message without a body and without a last line end', () => {
    const raw = Buffer.from(`Subject: x\r\n${line()}`);
    assert.equal(findOwnTrace(raw, raw.length, hostname), true);
  });
});

describe('mail that is no loop', () => {
  const others: [name: string, header: string, body?: string][] = [
    ["released by another organisation's quarantine", `${line('quarantine.other.example')}\r\n`],
    ['released by one whose name ends like ours', `${line(`not-${hostname}`)}\r\n`],
    ['released by one whose name begins like ours', `${line(`${hostname}.example`)}\r\n`],
    ['that quotes the line in its body', 'Subject: x\r\n', `\r\n${line()}\r\n`],
    ['with the line inside another field', `Subject: ${line()}\r\n`],
    ['with the line folded into another field', `Subject: x\r\n ${line()}\r\n`],
    ['with our name in another field', `X-Other: 1 by ${hostname}\r\n`],
    ['with a line far too long to be ours', `${traceHeaderName}: ${'x'.repeat(1000)} by ${hostname}\r\n`],
    ['without any header', ''],
  ];
  for (const [name, header, body] of others) test(name, () => assert.equal(find(header, body), false));

  test('is found out in linear time', () => {
    const raw = Buffer.alloc(5_000_000, 'X:\r\n');
    const started = process.cpuUsage();
    assert.equal(findOwnTrace(raw, raw.length, hostname), false);
    assert.ok(process.cpuUsage(started).user < 5_000_000);
  });
});

test('a trace names the message, the holding and who released it, and is the same for every attempt', () => {
  assert.equal(traceOf({ id: '0192a3', holding: 2 }, hostname), '0192a3.2 by quarantine.example.net');
  const again = { id: '0192a3', holding: 2, delivery: { repetition: 1 } };
  assert.equal(traceOf(again, hostname), '0192a3.2.1 by quarantine.example.net');
});
