// The part of rspamd.sh that reports: what rspamd learns, knows already, cannot learn from, and refuses.
import assert from 'node:assert/strict';
import { RspamdTarget } from '../../src/targets/rspamd.ts';

const [url = '', situation = ''] = process.argv.slice(2);

async function report(content: Buffer, verdict: 'ham' | 'spam', password = 'sécret'): Promise<string> {
  const target = new RspamdTarget('rspamd', { url, password });
  const attempt = { content, verdict, messageId: 'm1', digest: '', signal: AbortSignal.timeout(30_000) };
  const { outcome, reply } = await target.report(attempt);
  console.log(`  ${verdict}: ${outcome}, ${reply}`);
  await target.close();
  return outcome;
}

async function learned(): Promise<number> {
  const response = await fetch(`${url}/stat`, { headers: { Password: 'read only' } });
  const stat = (await response.json()) as { learned: number };
  return stat.learned;
}

const words = (from: number): string => Array.from({ length: 40 }, (_, index) => `word${from + index}`).join(' ');
const message = (id: number): Buffer =>
  Buffer.from(
    `From: a@example.net\r\nTo: b@example.com\r\nSubject: offer ${id}\r\nMessage-ID: <${id}@example.net>\r\n\r\n${words(id * 100)}\r\n`,
  );

if (situation === 'learns') {
  assert.equal(await learned(), 0);
  assert.equal(await report(message(1), 'spam'), 'done');
  assert.equal(await report(message(2), 'ham'), 'done');
  assert.equal(await learned(), 2);
  // A repetition after a crash: rspamd says that it knows the message.
  assert.equal(await report(message(1), 'spam'), 'done');
  assert.equal(await learned(), 2);
  assert.equal(await report(message(1), 'ham'), 'done', 'the opposite verdict is learned anew');
  assert.equal(await report(Buffer.from('Subject: x\r\n\r\nshort\r\n'), 'spam'), 'final');
  assert.equal(await report(message(3), 'spam', 'wrong'), 'temporary');
  const odd = Buffer.concat([message(4), Buffer.from('\u0000\xff no end', 'latin1')]);
  assert.equal(await report(odd, 'spam'), 'done');
  assert.equal(await report(Buffer.concat([message(5), Buffer.alloc(5_000_000, 'abc\r\n')]), 'ham'), 'done');
} else {
  assert.equal(await report(message(1), 'spam'), 'temporary', situation);
}
