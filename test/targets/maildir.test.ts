// The Maildir target: reports as files, exact, durable and never twice.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ReportAttempt } from '../../src/quarantine/target.ts';
import { MaildirTarget } from '../../src/targets/maildir.ts';

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-maildir-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function attemptOf(parts: Partial<ReportAttempt> = {}): ReportAttempt {
  const content = parts.content ?? Buffer.from('Subject: x\r\n\r\n\u0000\xff body without end', 'latin1');
  const digest = createHash('sha256').update(content).digest('hex');
  return { content, verdict: 'spam', messageId: 'm1', digest, signal: new AbortController().signal, ...parts };
}

test('a report becomes a file with exactly the reported bytes, for us alone', async (t) => {
  const path = join(await newDirectory(t), 'not', 'there', 'yet');
  const target = new MaildirTarget('maildir', path);
  for (const verdict of ['spam', 'ham'] as const) {
    const attempt = attemptOf({ verdict });
    const { outcome, reply } = await target.report(attempt);
    assert.equal(outcome, 'done');
    assert.ok(!reply.includes(path));
    const [name = '', ...others] = await readdir(join(path, verdict, 'new'));
    assert.deepEqual(others, []);
    assert.deepEqual(await readFile(join(path, verdict, 'new', name)), attempt.content);
    assert.equal((await stat(join(path, verdict, 'new', name))).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(join(path, verdict))).sort(), ['cur', 'new', 'tmp']);
    assert.deepEqual(await readdir(join(path, verdict, 'tmp')), []);
    for (const part of ['', 'tmp', 'new', 'cur']) {
      assert.equal((await stat(join(path, verdict, part))).mode & 0o777, 0o700, part);
    }
  }
});

test('a repeated report adds no second file, whether the first is still new, was read, or was read with flags', async (t) => {
  const path = await newDirectory(t);
  const target = new MaildirTarget('maildir', path);
  await target.report(attemptOf());
  const inNew = join(path, 'spam', 'new');
  const inCur = join(path, 'spam', 'cur');
  const [name = ''] = await readdir(inNew);
  const moves: [string, string][] = [
    [join(inNew, name), join(inNew, name)],
    [join(inNew, name), join(inCur, `${name}:2,`)],
    [join(inCur, `${name}:2,`), join(inCur, `${name}:2,RS`)],
    [join(inCur, `${name}:2,RS`), join(inCur, name)],
  ];
  for (const [from, to] of moves) {
    await rename(from, to);
    assert.equal((await target.report(attemptOf())).outcome, 'done');
    assert.equal([...(await readdir(inNew)), ...(await readdir(inCur))].length, 1);
  }
});

test('reports of another message, another verdict or other bytes are files of their own', async (t) => {
  const path = await newDirectory(t);
  const target = new MaildirTarget('maildir', path);
  await target.report(attemptOf());
  await target.report(attemptOf({ messageId: 'm2' }));
  await target.report(attemptOf({ content: Buffer.from('other') }));
  await target.report(attemptOf({ messageId: 'm3', verdict: 'ham' }));
  assert.equal((await readdir(join(path, 'spam', 'new'))).length, 3);
  assert.equal((await readdir(join(path, 'ham', 'new'))).length, 1);
});

test('an id that is no file name does no harm', async (t) => {
  const path = await newDirectory(t);
  const target = new MaildirTarget('maildir', join(path, 'reports'));
  for (const messageId of ['../../escape', 'a/b', 'x:2,S', '', `${'long'.repeat(200)}`, 'nul\u0000']) {
    assert.equal((await target.report(attemptOf({ messageId }))).outcome, 'done');
  }
  assert.equal((await readdir(join(path, 'reports', 'spam', 'new'))).length, 6);
  assert.deepEqual(await readdir(path), ['reports']);
});

test('the same report from two processes at once is one file', async (t) => {
  const path = await newDirectory(t);
  const targets = Array.from({ length: 8 }, () => new MaildirTarget('maildir', path));
  const outcomes = await Promise.all(targets.map((target) => target.report(attemptOf())));
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    targets.map(() => 'done'),
  );
  assert.equal((await readdir(join(path, 'spam', 'new'))).length, 1);
  assert.deepEqual(await readdir(join(path, 'spam', 'tmp')), []);
});

test('what a crash left in tmp is not taken for the report', async (t) => {
  const path = await newDirectory(t);
  const target = new MaildirTarget('maildir', path);
  await target.report(attemptOf());
  const [name = ''] = await readdir(join(path, 'spam', 'new'));
  await rename(join(path, 'spam', 'new', name), join(path, 'spam', 'tmp', name));
  assert.equal((await target.report(attemptOf())).outcome, 'done');
  assert.deepEqual(await readdir(join(path, 'spam', 'new')), [name]);
});

test('a place that cannot be written is temporary, says why and not where, and works once it is put right', async (t) => {
  const path = await newDirectory(t);
  const target = new MaildirTarget('maildir', join(path, 'reports'));
  await writeFile(join(path, 'reports'), 'a file where the directory should be');
  const { outcome, reply } = await target.report(attemptOf());
  assert.equal(outcome, 'temporary');
  assert.match(reply, /cannot be written: (ENOTDIR|EEXIST)/);
  assert.ok(!reply.includes(path));
  await rm(join(path, 'reports'));
  assert.equal((await target.report(attemptOf())).outcome, 'done');
});

test('a missing right is temporary', async (t) => {
  const path = join(await newDirectory(t), 'reports');
  await mkdir(path, { mode: 0o500 });
  // Root may write everywhere, so for this test it is nobody.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    const { outcome, reply } = await new MaildirTarget('maildir', path).report(attemptOf());
    assert.equal(outcome, 'temporary');
    assert.match(reply, /^the report cannot be written: EACCES: permission denied$/);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test('a report that is stopped leaves nothing behind', async (t) => {
  const path = await newDirectory(t);
  const { outcome } = await new MaildirTarget('maildir', path).report(attemptOf({ signal: AbortSignal.abort() }));
  assert.equal(outcome, 'temporary');
  assert.deepEqual(await readdir(path), []);
});

test('5 MB arrive whole', async (t) => {
  const path = await newDirectory(t);
  const content = Buffer.alloc(5_000_000, 'abc\r\n');
  await new MaildirTarget('maildir', path).report(attemptOf({ content }));
  const [name = ''] = await readdir(join(path, 'spam', 'new'));
  assert.ok(content.equals(await readFile(join(path, 'spam', 'new', name))));
});

test('the latest verdict counts: the opposite report of the same message is taken back while nobody has read it', async (t) => {
  const path = await newDirectory(t);
  const target = new MaildirTarget('maildir', path);
  const spamNow = async (part: string): Promise<number> => (await readdir(join(path, 'spam', part))).length;
  await target.report(attemptOf({ verdict: 'spam' }));
  await target.report(attemptOf({ verdict: 'spam', messageId: 'another' }));
  await target.report(attemptOf({ verdict: 'ham' }));
  assert.equal(await spamNow('new'), 1);
  const [left = ''] = await readdir(join(path, 'spam', 'new'));
  await rename(join(path, 'spam', 'new', left), join(path, 'spam', 'cur', `${left}:2,S`));
  await target.report(attemptOf({ verdict: 'ham', messageId: 'another' }));
  assert.deepEqual([await spamNow('new'), await spamNow('cur')], [0, 1]);
});
