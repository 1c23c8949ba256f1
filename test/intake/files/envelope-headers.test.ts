import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readEnvelopeHeaders } from '../../../src/intake/files/envelope-headers.ts';

const read = (...lines: string[]): ReturnType<typeof readEnvelopeHeaders> =>
  readEnvelopeHeaders(Buffer.from(`${lines.join('\r\n')}\r\n\r\nX-Envelope-To: <body@example.com>\r\n`));

describe('the recipients of a message in a file', () => {
  const rows: [name: string, lines: string[], recipients: string[]][] = [
    ['stand in X-Envelope-To', ['X-Envelope-To: <a@example.com>'], ['a@example.com']],
    ['stand in Delivered-To', ['Delivered-To: a@example.com'], ['a@example.com']],
    ['stand in X-Original-To', ['x-original-to: a@example.com'], ['a@example.com']],
    ['stand in Envelope-To', ['Envelope-to: a@example.com, b@example.com'], ['a@example.com', 'b@example.com']],
    [
      'stand in several lines',
      ['X-Envelope-To: <a@x.example>', 'X-Envelope-To: <b@x.example>'],
      ['a@x.example', 'b@x.example'],
    ],
    ['stand in a folded list', ['X-Envelope-To: <a@x.example>,', ' <b@x.example>'], ['a@x.example', 'b@x.example']],
    [
      'may be quoted, with commas',
      ['X-Envelope-To: "a,b"@x.example, <"c,d@e"@x.example>, Name <f@x.example>'],
      ['"a,b"@x.example', '"c,d@e"@x.example', 'f@x.example'],
    ],
    [
      'are taken from one kind of line, the most telling one',
      ['X-Original-To: alias@x.example', 'Delivered-To: a@x.example', 'X-Envelope-To: <b@x.example>'],
      ['b@x.example'],
    ],
    [
      'are those of the topmost server: what stands below its Received line may be anybody’s',
      [
        'Delivered-To: a@x.example',
        'Received: from evil by mx.x.example; now',
        'X-Envelope-To: <victim@x.example>',
        'Delivered-To: victim@x.example',
      ],
      ['a@x.example'],
    ],
    ['may stand below the first Received line', ['Received: by x', 'Delivered-To: a@x.example'], ['a@x.example']],
    ['are none in an empty line', ['X-Envelope-To:', 'Envelope-To: <>'], []],
    ['are never those of To and Cc', ['To: a@x.example', 'Cc: b@x.example', 'Resent-To: c@x.example'], []],
  ];
  for (const [name, lines, recipients] of rows)
    test(name, () => assert.deepEqual(read('Return-Path: <s@remote.example>', ...lines).recipients, recipients));

  test('may be written in Unicode', () => {
    assert.deepEqual(read('Delivered-To: jürgen@bücher.example').recipients, ['jürgen@bücher.example']);
  });
});

describe('the sender of a message in a file', () => {
  const rows: [name: string, lines: string[], sender: string | null][] = [
    ['stands in X-Envelope-From', ['Return-Path: <r@x.example>', 'X-Envelope-From: <s@x.example>'], 's@x.example'],
    ['stands in Return-Path', ['Return-Path: <r@x.example>'], 'r@x.example'],
    ['is the null sender', ['Return-Path: <>'], ''],
    ['is the null sender of a bounce', ['Return-Path: <MAILER-DAEMON>'], ''],
    ['is unknown', ['From: a@x.example', 'Sender: b@x.example'], null],
    ['is unknown when what stands there is no address', ['Return-Path: (unknown)'], null],
  ];
  for (const [name, lines, sender] of rows) test(name, () => assert.equal(read(...lines).sender, sender));
});
