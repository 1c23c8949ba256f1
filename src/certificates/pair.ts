// One certificate with its private key, read from two files and found fit to serve: what is wrong with it is said in words that name the
// file, before a client meets it. Never logs or shows a key. Called by src/certificates.ts and own.ts.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';

/** PEM text, as Node's TLS takes it; `cert` holds the chain. */
export interface CertificatePair {
  cert: string;
  key: string;
}

/** The files cannot serve. Shown as it stands to the person who started the server. */
export class CertificateError extends Error {
  constructor(text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = 'CertificateError';
  }
}

export interface LoadedPair extends CertificatePair {
  /** Milliseconds since the epoch. */
  validFrom: number;
  validTo: number;
  /** Host names among its subject alternative names, lower case. */
  names: string[];
  /** Whether a client that asked for this host name or IP address finds it in the certificate. */
  covers(host: string): boolean;
}

/**
 * Reads and checks a pair; whether it is expired is for the caller to judge.
 * @throws CertificateError with the failing file system call, if that is the reason, as cause
 */
export async function loadPair(files: { cert: string; key: string }): Promise<LoadedPair> {
  const cert = await read(files.cert, 'certificate');
  const key = await read(files.key, 'private key');
  const certificate = understood(
    () => new X509Certificate(cert),
    `The certificate ${files.cert} is not a PEM certificate`,
  );
  const privateKey = understood(
    () => createPrivateKey(key),
    `The private key ${files.key} is not a PEM key without a passphrase`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new CertificateError(`The private key ${files.key} does not belong to the certificate ${files.cert}.`);
  }
  // Also reads the chain, and refuses what OpenSSL would not serve, such as a key that is too short.
  understood(() => createSecureContext({ cert, key }), `The certificate ${files.cert} cannot be served`);
  return {
    cert,
    key,
    validFrom: Date.parse(certificate.validFrom),
    validTo: Date.parse(certificate.validTo),
    names: hostNames(certificate.subjectAltName ?? ''),
    covers: (host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined,
  };
}

async function read(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const why = code === 'ENOENT' ? 'there is no such file' : code;
    throw new CertificateError(`The ${what} ${file} cannot be read (${why}).`, { cause: error });
  }
}

function understood<T>(read: () => T, complaint: string): T {
  try {
    return read();
  } catch (error) {
    throw new CertificateError(`${complaint} (${error instanceof Error ? error.message : String(error)}).`);
  }
}

/** Node gives the names as `DNS:a.example, IP Address:127.0.0.1`, with odd ones in quotes; only plain host names matter here. */
function hostNames(subjectAltName: string): string[] {
  return [...subjectAltName.matchAll(/(?:^|, )DNS:([a-z0-9*._-]+)(?=,|$)/gi)].map((match) =>
    (match[1] ?? '').toLowerCase(),
  );
}
