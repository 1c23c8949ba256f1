// What the parts need to know of a server that they measure, whichever it is.
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { farEndCertificate, farEndKey } from '../../../test/helpers/far-end-certificate.ts';

export interface Server {
  name: string;
  /** IMAP over TLS from the first byte. */
  port: number;
  /** IMAP in clear, where the server lets people log in without TLS. */
  plainPort: number | null;
  pid: number;
  /** What the corpus is in. */
  mailbox: string;
  stop(): Promise<void>;
}

export interface CertificateFiles {
  cert: string;
  key: string;
}

/** All servers have the same certificate, so that a handshake costs the same. */
export async function writeCertificate(directory: string): Promise<CertificateFiles> {
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  await writeFile(files.cert, farEndCertificate.trimStart());
  await writeFile(files.key, farEndKey.trimStart());
  return files;
}
