import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { maxHeaderBytes, plainAddress, readProxyHeader } from '../../src/net/proxy-header.ts';
import { binaryHeader, headerLine, ipv4Addresses, ipv6Addresses, localHeader, tlv } from '../helpers/proxy-headers.ts';

const mapped = '00000000000000000000ffffc0000209';
const unixAddresses = Buffer.alloc(216, '/run/x');
const manyTlvs = Buffer.concat([tlv(0x01, 'imap'), tlv(0x02, 'q.example'), tlv(0x04, ''), tlv(0xea, 'x'.repeat(300))]);

const wellFormed: [what: string, header: Buffer, source: string | null][] = [
  ['version 1, IPv4', headerLine('203.0.113.7'), '203.0.113.7'],
  ['version 1, IPv6', headerLine('2001:DB8:0:0:0:0:0:7', 'TCP6'), '2001:db8::7'],
  ['version 1, IPv4 inside of IPv6', headerLine('::ffff:203.0.113.7', 'TCP6'), '203.0.113.7'],
  ['version 1, ports at their ends', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n'), '1.2.3.4'],
  [
    'version 1, the longest addresses',
    Buffer.from(`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ],
  ['version 1, UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), null],
  ['version 1, UNKNOWN with more', Buffer.from('PROXY UNKNOWN 1.2.3.4 \r whatever\r\n'), null],
  [
    'version 1, the longest line',
    Buffer.from(`PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    null,
  ],
  ['version 2, IPv4', binaryHeader(), '203.0.113.7'],
  [
    'version 2, IPv6',
    binaryHeader({ family: 2, addresses: ipv6Addresses('20010db8000000000000000000000007') }),
    '2001:db8::7',
  ],
  ['version 2, IPv4 inside of IPv6', binaryHeader({ family: 2, addresses: ipv6Addresses(mapped) }), '192.0.2.9'],
  ['version 2, with TLVs', binaryHeader({ tlvs: manyTlvs }), '203.0.113.7'],
  ['version 2, with TLVs that are none', binaryHeader({ tlvs: Buffer.from([0xff, 0xff]) }), '203.0.113.7'],
  ['version 2, as long as it may be', binaryHeader({ tlvs: Buffer.alloc(4096 - 12) }), '203.0.113.7'],
  ['version 2, UNIX socket', binaryHeader({ family: 3, addresses: unixAddresses }), null],
  ['version 2, datagram', binaryHeader({ transport: 2 }), null],
  ['version 2, unspecified', binaryHeader({ family: 0, transport: 0, addresses: Buffer.alloc(0) }), null],
  ['version 2, unspecified with addresses', binaryHeader({ family: 0, transport: 1 }), null],
  ['version 2, LOCAL', localHeader, null],
  ['version 2, LOCAL with addresses, which are nobody', binaryHeader({ command: 0 }), null],
  ['version 2, LOCAL of a family that is none', binaryHeader({ command: 0, family: 9, transport: 9 }), null],
];

const line = (text: string): Buffer => Buffer.from(text, 'latin1');
const missing = /^is missing$/;
const wrongLine = /^is not as version 1 has it$/;

const malformed: [what: string, bytes: Buffer, problem: RegExp][] = [
  ['a TLS client', Buffer.from([0x16, 0x03, 0x01]), missing],
  ['an LMTP client', line('LHLO filter.example\r\n'), missing],
  ['small letters', line('proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n'), missing],
  ['a space in front', line(' PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'), missing],
  ['half a signature', Buffer.from('0d0a0d0a000d0a5155ff', 'hex'), missing],
  ['another word', line('PROXYTCP4 1.2.3.4 5.6.7.8 1 2\r\n'), missing],
  ['a family that is none', line('PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n'), wrongLine],
  ['nothing at all', line('PROXY \r\n'), wrongLine],
  ['UNKNOWN with something glued to it', line('PROXY UNKNOWNS\r\n'), wrongLine],
  ['IPv6 for IPv4', line('PROXY TCP4 ::1 ::1 1 2\r\n'), wrongLine],
  ['IPv4 for IPv6', line('PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n'), wrongLine],
  ['two families', line('PROXY TCP4 1.2.3.4 ::1 1 2\r\n'), wrongLine],
  ['an octal number', line('PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n'), wrongLine],
  ['a number that is too large', line('PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n'), wrongLine],
  ['a zone', line('PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n'), wrongLine],
  ['a name', line('PROXY TCP4 localhost 5.6.7.8 1 2\r\n'), wrongLine],
  ['no ports', line('PROXY TCP4 1.2.3.4 5.6.7.8\r\n'), wrongLine],
  ['one port', line('PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n'), wrongLine],
  ['a port that is too large', line('PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n'), wrongLine],
  ['a port with a zero in front', line('PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n'), wrongLine],
  ['two spaces', line('PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n'), wrongLine],
  ['a space at the end', line('PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n'), wrongLine],
  ['a CR inside', line('PROXY TCP4 1.2.3.4\r5.6.7.8 1 2\r\n'), wrongLine],
  ['a bare LF', line('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n'), /^does not end with CRLF$/],
  ['a line without end', line(`PROXY UNKNOWN ${'x'.repeat(93)}`), /^has no end$/],
  ['an end one byte too late', line(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`), /^has no end$/],
  ['version 1 in binary', binaryHeader({ version: 1 }), /version or command/],
  ['version 3', binaryHeader({ version: 3 }), /version or command/],
  ['a command that is none', binaryHeader({ command: 2 }), /version or command/],
  ['an address family that is none', binaryHeader({ family: 4 }), /address family or transport/],
  ['a transport that is none', binaryHeader({ transport: 3 }), /address family or transport/],
  ['a length that is too large', binaryHeader({ length: 4097 }).subarray(0, 16), /^is longer than 4096 bytes$/],
  ['no addresses', binaryHeader({ addresses: Buffer.alloc(0) }), /^is too short for its addresses$/],
  [
    'half an IPv4 address',
    binaryHeader({ addresses: ipv4Addresses('1.2.3.4').subarray(0, 11) }),
    /^is too short for its addresses$/,
  ],
  [
    'IPv4 addresses for IPv6',
    binaryHeader({ family: 2, addresses: ipv4Addresses('1.2.3.4') }),
    /^is too short for its addresses$/,
  ],
];

describe('a PROXY header', () => {
  for (const [what, header, source] of wellFormed) {
    test(`is understood, whatever follows it and wherever it is cut: ${what}`, () => {
      for (let cut = 0; cut < header.length; cut++)
        assert.deepEqual(readProxyHeader(header.subarray(0, cut)), { kind: 'incomplete' }, `after ${cut} bytes`);
      const complete = { kind: 'complete', lengthBytes: header.length, source };
      assert.deepEqual(readProxyHeader(header), complete);
      // Another header behind it is the client's own, and nobody believes it.
      assert.deepEqual(readProxyHeader(Buffer.concat([header, headerLine('6.6.6.6')])), complete);
    });
  }

  for (const [what, bytes, problem] of malformed) {
    test(`is refused, and stays refused, when it is malformed: ${what}`, () => {
      for (const sent of [bytes, Buffer.concat([bytes, Buffer.alloc(5000, 'PROXY UNKNOWN\r\n')])]) {
        const answer = readProxyHeader(sent);
        assert.ok(answer.kind === 'malformed', JSON.stringify(answer));
        assert.match(answer.problem, problem);
      }
    });
  }

  test('is never waited for beyond its greatest length', () => {
    for (const start of ['', 'PROXY ', 'PROXY TCP4 ', '\r\n', '\r\n\r\n\0\r\nQUIT\n', '\r\n\r\n\0\r\nQUIT\n\x21\x11']) {
      for (const filler of ['\0', '\r', '\n', ' ', '1', '\xff']) {
        const bytes = Buffer.concat([Buffer.from(start, 'latin1'), Buffer.alloc(maxHeaderBytes, filler, 'latin1')]);
        assert.notEqual(readProxyHeader(bytes).kind, 'incomplete', JSON.stringify([start, filler]));
      }
    }
  });
});

test('an address has one form', () => {
  for (const [given, plain] of [
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:CB00:7107', '203.0.113.7'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['', ''],
  ] as const)
    assert.equal(plainAddress(given), plain);
});
