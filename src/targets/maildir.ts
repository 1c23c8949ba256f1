// Keeps reported messages as files for a filter that learns from a directory, and for the time when no filter is configured: nothing
// reported is lost. Two Maildirs, `spam` and `ham`; the bytes exactly as reported. Never overwrites; takes back only its own report of the
// opposite verdict, and only while no reader has touched it. Called by the worker through the port; built by report-targets.ts.
import { createHash, randomBytes } from 'node:crypto';
import { access, link, mkdir, open, opendir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ReportAttempt, ReportOutcome, ReportTarget } from '../quarantine/target.ts';
import { asReply } from './reply-text.ts';

export class MaildirTarget implements ReportTarget {
  readonly name: string;
  readonly #path: string;

  constructor(name: string, path: string) {
    this.name = name;
    this.#path = path;
  }

  async report(attempt: ReportAttempt): Promise<ReportOutcome> {
    try {
      attempt.signal.throwIfAborted();
      const maildir = join(this.#path, attempt.verdict);
      const fileName = nameOf(attempt);
      await makeMaildir(maildir);
      if (await isPresent(maildir, fileName)) return { outcome: 'done', reply: 'the report was there already' };
      await write(maildir, fileName, attempt);
      await takeBackOpposite(this.#path, attempt);
      return { outcome: 'done', reply: `written to ${attempt.verdict}` };
    } catch (error) {
      // Whatever it is (a full disk, a missing right, a stop), somebody can put it right; the report waits.
      return { outcome: 'temporary', reply: wordsOf(error) };
    }
  }

  async close(): Promise<void> {
    // Nothing is kept open between reports.
  }
}

/** The same for every attempt of one report, so that a report repeated after a crash adds no second file. */
function nameOf({ messageId, verdict, digest }: ReportAttempt): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([messageId, verdict, digest]))
    .digest('hex');
  return `lazaretto-${hash.slice(0, 40)}`;
}

/** Made for us alone: the reports are other people's mail. */
async function makeMaildir(maildir: string): Promise<void> {
  let firstMade: string | undefined;
  for (const part of ['tmp', 'new', 'cur']) {
    const made = await mkdir(join(maildir, part), { recursive: true, mode: 0o700 });
    firstMade ??= made;
  }
  if (firstMade === undefined) return;
  // A directory is durable only when the one above it was written.
  const stop = dirname(firstMade);
  for (let directory = maildir; ; directory = dirname(directory)) {
    await syncDirectory(directory);
    if (directory === stop || directory === dirname(directory)) return;
  }
}

/** A reader moves a file from `new` to `cur` and adds `:2,` and flags; both places count. */
async function isPresent(maildir: string, fileName: string): Promise<boolean> {
  if (await exists(join(maildir, 'new', fileName))) return true;
  for await (const entry of await opendir(join(maildir, 'cur'))) {
    if (entry.name === fileName || entry.name.startsWith(`${fileName}:`)) return true;
  }
  return false;
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The latest verdict counts: what a filter has not learnt yet, it need not learn both ways. */
async function takeBackOpposite(path: string, attempt: ReportAttempt): Promise<void> {
  const verdict = attempt.verdict === 'ham' ? 'spam' : 'ham';
  try {
    await unlink(join(path, verdict, 'new', nameOf({ ...attempt, verdict })));
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** Durable when it resolves. */
async function write(maildir: string, fileName: string, { content, signal }: ReportAttempt): Promise<void> {
  const temporaryPath = join(maildir, 'tmp', `${fileName}.${process.pid}.${randomBytes(6).toString('hex')}`);
  const finalPath = join(maildir, 'new', fileName);
  const file = await open(temporaryPath, 'wx', 0o600);
  try {
    try {
      await file.writeFile(content, { signal });
      await file.sync();
    } finally {
      await file.close();
    }
    await publish(temporaryPath, finalPath);
  } finally {
    // Gone already when it was renamed.
    await unlink(temporaryPath).catch(() => undefined);
  }
  await syncDirectory(join(maildir, 'new'));
}

/** A link fails where a file of that name is, a rename would replace it; both leave the whole report or none. */
async function publish(temporaryPath: string, finalPath: string): Promise<void> {
  try {
    await link(temporaryPath, finalPath);
  } catch (error) {
    const code = codeOf(error);
    // Another process made the same report at the same time.
    if (code === 'EEXIST') return;
    // Some network and container file systems know no hard links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error;
    await rename(temporaryPath, finalPath);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The system's words without the path, which is nothing for people to see. */
function wordsOf(error: unknown): string {
  const code = codeOf(error);
  if (error instanceof Error && error.name === 'AbortError')
    return 'the attempt was stopped before the report was written';
  return asReply(
    `the report cannot be written: ${error instanceof Error && code ? error.message.split(',')[0] : 'unknown error'}`,
  );
}
