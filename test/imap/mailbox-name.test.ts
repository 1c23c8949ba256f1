import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  decodeModifiedUtf7,
  encodeModifiedUtf7,
  isInbox,
  quoteMailbox,
  readMailboxName,
} from '../../src/imap/mailbox-name.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe('modified UTF-7', () => {
  const pairs: [string, string][] = [
    ['', ''],
    ['Caught (Outgoing)', 'Caught (Outgoing)'],
    ['Release & Train', 'Release &- Train'],
    ['&&', '&-&-'],
    ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
    ['Entwürfe', 'Entw&APw-rfe'],
    ['😀', '&2D3eAA-'],
    ['a&ü', 'a&-&APw-'],
    ['tab\there', 'tab&AAk-here'],
    ['\u007f', '&AH8-'],
    ['a"b\\c', 'a"b\\c'],
  ];
  for (const [name, wire] of pairs) {
    test(`${JSON.stringify(name)} is ${wire} on the wire and back`, () => {
      assert.equal(encodeModifiedUtf7(name), wire);
      assert.equal(decodeModifiedUtf7(wire), name);
    });
  }

  const malformed: [string, string][] = [
    ['Release & Train', 'an ampersand on its own'],
    ['&', 'an ampersand at the end'],
    ['&AP', 'a shift that never ends'],
    ['&AP-', 'half a character'],
    ['&APw', 'no end'],
    ['&APx-', 'bits left over'],
    ['&2D0-', 'half of a surrogate pair'],
    ['&3gA-', 'the other half alone'],
    ['&AEE-', 'a letter that needs no encoding'],
    ['&ACY-', 'an ampersand written the long way'],
    ['&Jjo-&Jjo-', 'a shift that was not needed'],
    ['&U/BT-', 'a slash where modified base64 has a comma'],
    ['&APw=-', 'padding'],
    ['caf\xe9', '8-bit'],
    ['a\tb', 'a control character'],
  ];
  for (const [wire, what] of malformed) {
    test(`${JSON.stringify(wire)} is refused: ${what}`, () => assert.equal(decodeModifiedUtf7(wire), null));
  }

  test('20,000 generated names survive the way to the wire and back', () => {
    const random = seededRandom(7);
    const alphabet = ['a', 'Z', ' ', '&', '-', '/', '"', '\\', ',', '+', 'ä', 'é', '\0', '\n', '日', '￿', '😀', '𐀀'];
    for (let round = 0; round < 20_000; round++) {
      const name = Array.from({ length: random.between(0, 9) }, () => random.pick(alphabet)).join('');
      const wire = encodeModifiedUtf7(name);
      assert.match(wire, /^[ -~]*$/);
      assert.equal(decodeModifiedUtf7(wire), name, wire);
      assert.equal(readMailboxName(wire), name, wire);
    }
  });

  test('64 kB of ampersands or base64 take no time worth mentioning', () => {
    for (const wire of ['&'.repeat(65_536), `&${'A'.repeat(65_536)}`, '&-'.repeat(32_768), '&A'.repeat(32_768)]) {
      const startedAt = process.cpuUsage();
      readMailboxName(wire);
      assert.ok(process.cpuUsage(startedAt).user < 500_000);
    }
  });
});

describe('a mailbox is found however its name is written', () => {
  const table: [string, string][] = [
    ['Release &- Train', 'Release & Train'],
    ['Release & Train', 'Release & Train'],
    [utf8('Entwürfe'), 'Entwürfe'],
    [utf8('Entwürfe & mehr'), 'Entwürfe & mehr'],
    ['Entw&APw-rfe', 'Entwürfe'],
    ['Entw\xfcrfe', 'Entwürfe'],
    ['&AEE-', '&AEE-'],
    ['inbox', 'INBOX'],
    ['InBoX', 'INBOX'],
    ['caught', 'caught'],
    ['inbox/x', 'inbox/x'],
    ['', ''],
  ];
  for (const [wire, name] of table) {
    test(`${JSON.stringify(wire)} is ${name}`, () => assert.equal(readMailboxName(wire), name));
  }
});

describe('a mailbox is quoted', () => {
  const table: [string, string][] = [
    ['INBOX', '"INBOX"'],
    ['inbox', '"INBOX"'],
    ['Caught', '"Caught"'],
    ['Release & Train', '"Release &- Train"'],
    ['Caught (Outgoing)', '"Caught (Outgoing)"'],
    ['say "a\\b"', '"say \\"a\\\\b\\""'],
    ['x\r\n* BYE', '"x&AA0ACg-* BYE"'],
  ];
  for (const [name, wire] of table) {
    test(`${JSON.stringify(name)} as ${wire}`, () => assert.equal(quoteMailbox(name), wire));
  }
});

test('a letter that only looks like an I does not make an INBOX', () => {
  assert.equal(isInbox('ınbox'), false);
  assert.equal(isInbox('inbox'), true);
});
