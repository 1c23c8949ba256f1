// The part of postfix.sh that delivers: one attempt with recipients that Postfix takes, defers and refuses, then one for each content that
// SMTP could damage. Compares the files that Postfix wrote, byte for byte, below the header lines that it puts on top.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SmtpTarget } from '../../src/targets/smtp.ts';

const [url = '', mailDirectory = ''] = process.argv.slice(2);
const target = new SmtpTarget();
let number = 0;

async function deliver(content: Buffer, recipients: string[], sender = 'sender@example.net'): Promise<string[]> {
  number += 1;
  const outcomes = await target.deliver({
    content,
    trace: `test${number}.1 by quarantine.example.net`,
    envelope: { sender, recipients },
    deliverTo: url,
    heloName: 'quarantine.example.net',
    signal: AbortSignal.timeout(60_000),
  });
  for (const { address, outcome, reply } of outcomes) console.log(`  ${address}: ${outcome}, ${reply}`);
  return outcomes.map(({ outcome }) => outcome);
}

/** What Postfix stored of the message that was sent last: the part from our trace line on. */
async function stored(mailbox: string): Promise<Buffer> {
  const trace = Buffer.from(`X-Lazaretto-Release: test${number}.1 by quarantine.example.net\n`);
  for (let tries = 0; tries < 100; tries += 1) {
    const directory = join(mailDirectory, mailbox, 'new');
    for (const name of await readdir(directory).catch(() => [])) {
      const bytes = await readFile(join(directory, name));
      const start = bytes.indexOf(trace);
      if (start >= 0) return bytes.subarray(start + trace.length);
    }
    await wait(100);
  }
  throw new Error('Postfix did not deliver the message within 10 seconds');
}

const header =
  'From: a@example.net\r\nTo: b@example.com\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@example.net>\r\n\r\n';
const contents: Record<string, Buffer> = {
  'dots, empty lines and what looks like the end': Buffer.from(`${header}.\r\n..\r\n\r\n.a\r\n.\r\nQUIT\r\n`),
  'bare line ends': Buffer.from(`${header}a\n.\nb\n\n`),
  '8-bit bytes that are no UTF-8': Buffer.concat([Buffer.from(header), Buffer.from('\xe4\xf6\xfc\r\n', 'latin1')]),
  'no line end': Buffer.from(`${header}end`),
  '5 MB': Buffer.concat([Buffer.from(header), Buffer.alloc(5_000_000, 'attachment line 0123456789\r\n')]),
};

try {
  const recipients = ['bob@example.com', 'later@example.com', 'nobody@example.com', 'jürgen@example.com'];
  assert.deepEqual(await deliver(Buffer.from(`${header}first\r\n`), recipients), [
    'accepted',
    'temporary',
    'permanent',
    'accepted',
  ]);
  assert.equal((await stored('bob')).toString(), `${header}first\r\n`.replaceAll('\r\n', '\n'));
  await stored('juergen');
  assert.deepEqual(await deliver(Buffer.from(`${header}from nobody\r\n`), ['bob@example.com'], ''), ['accepted']);
  for (const [name, content] of Object.entries(contents)) {
    console.log(name);
    assert.deepEqual(await deliver(content, ['bob@example.com']), ['accepted']);
    // Maildir keeps LF; Postfix ends the last line.
    const expected = content.toString('latin1').replace(/\r\n|\r|\n/g, '\n');
    const bytes = await stored('bob');
    assert.ok(bytes.toString('latin1') === (expected.endsWith('\n') ? expected : `${expected}\n`), name);
  }
  assert.deepEqual(await deliver(Buffer.alloc(7_000_000, 'too large\r\n'), ['bob@example.com']), ['permanent']);
} finally {
  await target.close();
}
