// The demo as a person uses it: started as a program of its own, its lines read, its logins used by a mail client, ended with Ctrl-C.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { launcher } from './lazaretto-process.ts';

let scratch: string;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'lazaretto-test-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

interface Program {
  /** What it has said so far. */
  lines: string[];
  /** The first line that fits, waiting for it; rejects when the program ends without having said it. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  interrupt(): void;
  ended: Promise<{ code: number | null; errors: string }>;
}

/** Its temporary files go to `scratch`, and its terminal is a pipe. */
function run(...words: string[]): Program {
  const child = spawn(process.execPath, [launcher, ...words], {
    cwd: scratch,
    env: { ...process.env, TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const waiting = new Set<() => void>();
  const tellAll = (): void => waiting.forEach((look) => look());
  reader.on('line', (line) => {
    lines.push(line);
    tellAll();
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  let isOver = false;
  const ended = once(child, 'close').then(() => {
    isOver = true;
    tellAll();
    return { code: child.exitCode, errors };
  });
  const line = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.map((text) => pattern.exec(text)).find((match) => match !== null);
        if (!found && !isOver) return;
        waiting.delete(look);
        if (found) resolve(found);
        else reject(new Error(`the program ended and never said ${String(pattern)}:\n${lines.join('\n')}\n${errors}`));
      };
      waiting.add(look);
      look();
    });
  return { lines, line, interrupt: () => child.kill('SIGINT'), ended };
}

async function readyDemo(...options: string[]): Promise<Program & { imapsPort: number }> {
  const demo = run('demo', '--free-ports', ...options);
  const [, port] = await demo.line(/^IMAPS 127\.0\.0\.1:(\d+)$/);
  return { ...demo, imapsPort: Number(port) };
}

async function logIn(port: number, user: string): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: true,
    auth: { user, pass: 'lazaretto-demo' },
    tls: { rejectUnauthorized: false },
    logger: false,
  });
  await client.connect();
  return client;
}

/** Sequence numbers by subject. */
async function subjects(client: ImapFlow, mailbox: string): Promise<Map<string, number>> {
  await client.mailboxOpen(mailbox);
  const found = new Map<string, number>();
  if (client.mailbox && client.mailbox.exists)
    for await (const { envelope, uid } of client.fetch('1:*', { envelope: true, uid: true }))
      found.set(envelope?.subject ?? '', uid);
  return found;
}

async function move(client: ImapFlow, subject: RegExp, target: string): Promise<boolean> {
  const all = await subjects(client, 'Caught');
  const [, uid] = [...all].find(([text]) => subject.test(text)) ?? [];
  assert.ok(uid, `no ${String(subject)} among ${[...all.keys()].join(' | ')}`);
  return (await client.messageMove(String(uid), target, { uid: true })) !== false;
}

/** For each login, how many messages there are in Caught, Caught (Outgoing) and Training Requested, as far as it has them. */
async function seenBy(port: number, user: string): Promise<number[]> {
  const client = await logIn(port, user);
  const sizes: number[] = [];
  for (const { path } of await client.list()) {
    if (!/^Caught|^Training/.test(path)) continue;
    const status = await client.status(path, { messages: true });
    sizes.push(status ? (status.messages ?? -1) : -1);
  }
  await client.logout();
  return sizes;
}

describe('the demo', () => {
  test('shows three logins their mail, tells what arrives where, and leaves nothing behind after Ctrl-C', async () => {
    const demo = await readyDemo();
    for (const line of [
      /^IMAP 127\.0\.0\.1:\d+ \(STARTTLS\)$/,
      /^LMTP 127\.0\.0\.1:\d+ \(for Caught\)$/,
      /^LMTP 127\.0\.0\.1:\d+ \(for Caught \(Outgoing\)\)$/,
      /^SMTP 127\.0\.0\.1:\d+ \(for Training Requested\)$/,
      /^ +alice@example\.com +lazaretto-demo /,
      /^ +example\.com +lazaretto-demo /,
      /^ +global +lazaretto-demo /,
    ])
      await demo.line(line);
    assert.deepEqual(await seenBy(demo.imapsPort, 'alice@example.com'), [9, 1]);
    assert.deepEqual(await seenBy(demo.imapsPort, 'example.com'), [16, 2, 2]);
    assert.deepEqual(await seenBy(demo.imapsPort, 'global'), [16, 2, 2]);

    const [, settingsFile = ''] = await demo.line(/--config (\S+) message list/);
    const alice = await logIn(demo.imapsPort, 'alice@example.com');

    assert.ok(await move(alice, /^That moment/, 'Release'));
    await demo.line(
      /^→ delivered to alice@example\.com from tom@sailing-club\.example "That moment before the finish" \([\d,]+ bytes, trace [0-9a-f]{30}\.1\)$/,
    );
    assert.ok(await move(alice, /Tulips/, 'Not Spam'));
    await demo.line(/^→ learned as not spam: "🌷 Tulips now, colour in April/);
    assert.ok(await move(alice, /Rechnung/, 'Release & Train'));
    await demo.line(/^→ delivered to alice@example\.com from rechnung@\S+ "Ihre Rechnung Nr\. 2026-1147 über 84,20 €"/);
    await demo.line(/^→ learned as not spam: "Ihre Rechnung/);
    assert.equal(await move(alice, /^Scanned document/, 'Release'), false);
    await alice.logout();

    const domain = await logIn(demo.imapsPort, 'example.com');
    assert.ok(await move(domain, /^Renewal of our contract/, 'Release'));
    await demo.line(/^→ refused for dave@example\.com: 550 5\.1\.1 /);
    assert.ok(await move(domain, /会議の議事録/, 'Release'));
    await demo.line(/^→ delivered to alice@example\.com from tanaka@hinata\.example "会議の議事録をお送りします"/);
    await domain.logout();

    const global = await logIn(demo.imapsPort, 'global');
    const left = [...(await subjects(global, 'Caught')).keys()];
    assert.ok(left.includes('Scanned document 8841'));
    assert.ok(!left.some((subject) => /Tulips|Rechnung/.test(subject)), left.join());
    assert.ok(await move(global, /^Scanned document/, 'Release'));
    await demo.line(/^→ delivered to alice@example\.com from scanner@copy-shop\.example "Scanned document 8841"/);
    await global.logout();

    const beside = run('--config', settingsFile, 'message', 'list', '--text', 'lucky-draw');
    await beside.line(/CONGRATULATIONS/);
    assert.equal((await beside.ended).code, 0);

    const count = (pattern: RegExp): number => demo.lines.filter((line) => pattern.test(line)).length;
    assert.equal(count(/^→ delivered/), 4, demo.lines.join('\n'));
    assert.equal(count(/^→ learned/), 2, demo.lines.join('\n'));
    assert.equal(count(/^→ refused/), 1, demo.lines.join('\n'));
    demo.interrupt();
    assert.deepEqual(await demo.ended, { code: 0, errors: '' });
    assert.deepEqual(await readdir(scratch), []);
  });

  test('keeps the directory that it is given, and goes on with it', async () => {
    const directory = join(scratch, 'kept');
    const first = await readyDemo('--dir', directory);
    const alice = await logIn(first.imapsPort, 'alice@example.com');
    assert.ok(await move(alice, /^That moment/, 'Not Spam'));
    await alice.logout();
    first.interrupt();
    assert.equal((await first.ended).code, 0);

    const second = await readyDemo('--dir', directory);
    const again = await logIn(second.imapsPort, 'alice@example.com');
    assert.equal((await subjects(again, 'Caught')).size, 8);
    await again.logout();
    second.interrupt();
    assert.equal((await second.ended).code, 0);
    assert.ok((await readdir(directory)).includes('lazaretto.log'));
  });

  test('does not touch a directory that holds something else', async () => {
    const directory = await mkdtemp(join(scratch, 'other-'));
    await writeFile(join(directory, 'lazaretto.yaml'), 'hostname: quarantine.example.net\n');
    const { ended } = run('demo', '--free-ports', '--dir', directory);
    const { code, errors } = await ended;
    assert.equal(code, 2);
    assert.match(errors, /neither empty nor the directory of a demo/);
    assert.equal(await readFile(join(directory, 'lazaretto.yaml'), 'utf8'), 'hostname: quarantine.example.net\n');
    assert.deepEqual(await readdir(directory), ['lazaretto.yaml']);
  });
});
