import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isMailbox, parseEnvelopePath } from '../../src/intake/envelope-path.ts';

const parse = (line: string): ReturnType<typeof parseEnvelopePath> =>
  parseEnvelopePath(Buffer.from(line), line.toUpperCase().startsWith('RCPT') ? 'RCPT TO' : 'MAIL FROM');

describe('an address of the envelope is kept as the client wrote it', () => {
  for (const address of [
    'alice@example.com',
    'Alice.B+News@EXAMPLE.Com',
    "o'neill@example.com",
    '"alice b"@example.com',
    '"a@b"@example.com',
    '"a>b<c"@example.com',
    '"a\\"b"@example.com',
    '"a,b;c:d"@example.com',
    '""@example.com',
    'jürgen@bücher.example',
    'J@XN--BCHER-KVA.example',
    '例え@例え.テスト',
    'user..name.@docomo.ne.jp',
    'a=b/c?d!e{f}~@example.com',
    'alice@[192.0.2.1]',
    'alice@[IPv6:2001:DB8::1]',
    'alice@example.com.',
    `${'v'.repeat(200)}@example.com`,
  ]) {
    test(address.slice(0, 40), () => {
      assert.deepEqual(parse(`RCPT TO:<${address}>`), { address, args: false });
      assert.deepEqual(parse(`mail From: <${address}>  size=10`), { address, args: { SIZE: '10' } });
      assert.ok(isMailbox(address));
    });
  }

  test('the null sender is empty, and a sender may have no domain', () => {
    assert.equal(parse('MAIL FROM:<>')?.address, '');
    assert.equal(parse('MAIL FROM:<> BODY=8BITMIME')?.address, '');
    assert.equal(parse('MAIL FROM:<root>')?.address, 'root');
  });

  test('a source route is ignored', () => {
    assert.equal(parse('RCPT TO:<@one.example,@two.example:alice@example.com>')?.address, 'alice@example.com');
  });

  test('parameters are read by name, and one that comes twice is told', () => {
    assert.deepEqual(parse('MAIL FROM:<a@b.example> size=5 SMTPUTF8 BODY=8BITMIME X=a=b Y='), {
      address: 'a@b.example',
      args: { SIZE: '5', SMTPUTF8: true, BODY: '8BITMIME', X: 'a=b', Y: true },
    });
    assert.equal(parse('MAIL FROM:<a@b.example> SIZE=1 size=2')?.duplicate, 'SIZE');
  });
});

describe('no address', () => {
  for (const line of [
    'RCPT TO:',
    'RCPT TO:<>',
    'RCPT TO:alice@example.com',
    'RCPT TO <alice@example.com>',
    'RCPT <alice@example.com>',
    'RCPT TO:<alice>',
    'RCPT TO:<postmaster>',
    'RCPT TO:<alice@>',
    'RCPT TO:<@example.com>',
    'RCPT TO:<alice@example.com',
    'RCPT TO:alice@example.com>',
    'RCPT TO:<alice b@example.com>',
    'RCPT TO:<alice@example.com bob@example.com>',
    'RCPT TO:<alice@example.com>x',
    'RCPT TO:<alice@example.com><bob@example.com>',
    'RCPT TO:<alice@b@example.com>',
    'RCPT TO:<alice,bob@example.com>',
    'RCPT TO:<"alice@example.com>',
    'RCPT TO:<al\u0000ice@example.com>',
    'RCPT TO:<"al\rice"@example.com>',
    'RCPT TO:<al\u0085ice@example.com>',
    `RCPT TO:<${'v'.repeat(1000)}@example.com>`,
    'MAIL FROM:',
    'MAIL FROM:alice@example.com',
    'MAIL TO:<alice@example.com>',
  ]) {
    test(JSON.stringify(line).slice(0, 60), () => assert.equal(parse(line), null));
  }

  test('bytes that are no UTF-8, because they could not be given back', () => {
    assert.equal(parseEnvelopePath(Buffer.from('RCPT TO:<j\xfcrgen@example.com>', 'latin1'), 'RCPT TO'), null);
  });

  test('found in linear time', () => {
    const started = process.cpuUsage();
    for (const part of ['"', '\\', '@a', ',@a', '<', '"\\', '.']) parse(`RCPT TO:<${part.repeat(2000)}`);
    assert.ok(process.cpuUsage(started).user < 1_000_000);
  });
});
