// The server's own, self-signed certificate: made once in `dataDir/tls` and kept, because people confirm it in their mail programs and
// would have to do so again for a new one. Several processes may start on one directory at the same moment: the pair is made aside
// and the whole directory moves into place, so that nobody ever sees the key of one and the certificate of another.
// Called by src/certificates.ts.
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../quarantine/ports.ts';
import { CertificateError, loadPair } from './pair.ts';
import { makeSelfSigned } from './self-signed.ts';

const dayMs = 86_400_000;

// Apple's mail programs refuse certificates that are valid for more than 825 days, even when the user trusts them; hence not for ten years.
const lifetimeDays = 820;

export interface OwnCertificateOptions {
  dataDir: string;
  hostname: string;
  log: Log;
  /** Milliseconds since the epoch. */
  now: number;
}

/**
 * The files of a pair that can be served, made first if there is none or if it expired. What it replaces is moved aside, not deleted.
 * @throws CertificateError when what is there cannot be read for another reason than that it is broken (rights, disk)
 */
export async function ensureOwnCertificate(options: OwnCertificateOptions): Promise<{ cert: string; key: string }> {
  const directory = join(options.dataDir, 'tls');
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const flaw = await flawOf(files, options.now);
  if (!flaw) return files;
  const made = await makeAside(options);
  try {
    // Losing twice against another process leaves us with its pair; a third time would be no coincidence.
    for (let attempt = 1; attempt <= 3; attempt++) {
      if (await moveIntoPlace(made, directory)) {
        const fields = { event: 'certificate', cert: files.cert, name: options.hostname, because: flaw } as const;
        options.log.info(fields, 'made a self-signed certificate; mail programs will ask whether to trust it');
        return files;
      }
      if (!(await flawOf(files, options.now))) return files;
      await moveAside(directory, `${made}-replaced`);
    }
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  throw new CertificateError(`No certificate could be placed in ${directory}: something else keeps writing there.`);
}

/** Why there must be a new pair; null when there need not be. */
async function flawOf(files: { cert: string; key: string }, now: number): Promise<string | null> {
  try {
    return (await loadPair(files)).validTo > now ? null : 'expired';
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const { cause } = error;
    if (cause === undefined) return error.message;
    // A file that we may not read, or a disk that failed, is no reason to replace what people have confirmed.
    if (hasCode(cause, 'ENOENT')) return error.message;
    throw error;
  }
}

async function makeAside({ dataDir, hostname, now }: OwnCertificateOptions): Promise<string> {
  const pair = makeSelfSigned({
    names: [...new Set([hostname, 'localhost', '127.0.0.1'])],
    // A client's clock may be behind ours.
    notBefore: new Date(now - dayMs),
    notAfter: new Date(now + (lifetimeDays - 1) * dayMs),
  });
  const directory = await mkdtemp(join(dataDir, 'tls-'));
  const options = { mode: 0o600, flag: 'wx', flush: true };
  await writeFile(join(directory, 'key.pem'), pair.key, options);
  await writeFile(join(directory, 'cert.pem'), pair.cert, options);
  return directory;
}

async function moveAside(directory: string, kept: string): Promise<void> {
  try {
    await rename(directory, kept);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** False when there is something already (an empty directory counts as nothing). */
async function moveIntoPlace(made: string, directory: string): Promise<boolean> {
  try {
    await rename(made, directory);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
