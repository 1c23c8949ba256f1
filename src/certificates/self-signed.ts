// Makes a self-signed certificate for a server whose owner has none yet. Node can sign but cannot write X.509, and the packages that can
// bring some twenty others along; the one fixed form that is needed here is short. Never used to judge certificates, only to write one.
// Called by own.ts.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { domainToASCII } from 'node:url';
import type { CertificatePair } from './pair.ts';

export interface SelfSignedRequest {
  /** The first is the common name. Host names or IPv4 addresses. */
  names: readonly string[];
  notBefore: Date;
  notAfter: Date;
}

/** An ECDSA P-256 key and a certificate for it, for TLS servers only. */
export function makeSelfSigned({ names, notBefore, notAfter }: SelfSignedRequest): CertificatePair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' });
  // RFC 5280 section 4.1: TBSCertificate, in this order.
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    integer(serialNumber()),
    sequence(ecdsaWithSha256),
    commonName(names[0] ?? ''),
    sequence(time(notBefore), time(notAfter)),
    commonName(names[0] ?? ''),
    publicKeyInfo,
    tagged(0xa3, sequence(...extensions(names, publicKeyInfo))),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, sequence(ecdsaWithSha256), bitString(signature));
  return { cert: pem(certificate), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function extensions(names: readonly string[], publicKeyInfo: Buffer): Buffer[] {
  const alternativeNames = names.map((name) =>
    isIPv4(name) ? tagged(0x87, Buffer.from(name.split('.').map(Number))) : tagged(0x82, Buffer.from(asciiName(name))),
  );
  const keyIdentifier = createHash('sha1').update(publicKeyInfo).digest();
  return [
    // Not a certificate authority: Thunderbird refuses a server certificate that says it is one.
    extension(oid('551d13'), sequence(), true),
    // RFC 5280 section 4.2.1.3: digitalSignature, the one use of an ECDSA key in TLS; bit 0 of a bit string with 7 unused bits.
    extension(oid('551d0f'), tagged(0x03, Buffer.of(7, 0x80)), true),
    // Apple's mail programs refuse server certificates without extended key usage serverAuth.
    extension(oid('551d25'), sequence(oid('2b06010505070301'))),
    extension(oid('551d11'), sequence(...alternativeNames)),
    extension(oid('551d0e'), octetString(keyIdentifier)),
  ];
}

const ecdsaWithSha256 = oid('2a8648ce3d040302');

function commonName(name: string): Buffer {
  // RFC 5280 appendix A.1: ub-common-name is 64; longer names are only among the alternative names, which is where clients look.
  const text = Buffer.from(asciiName(name).slice(0, 64));
  return sequence(tagged(0x31, sequence(oid('550403'), tagged(0x0c, text))));
}

function asciiName(name: string): string {
  return domainToASCII(name) || 'localhost';
}

/** RFC 5280 section 4.1.2.2: positive and at most 20 octets; 16 random ones are as unique as can be. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function extension(id: Buffer, value: Buffer, isCritical = false): Buffer {
  return sequence(id, ...(isCritical ? [tagged(0x01, Buffer.of(0xff))] : []), octetString(value));
}

function time(date: Date): Buffer {
  const digits = `${date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;
  // RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050.
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

// DER, X.690: tag, length, content.
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const size = length < 0x100 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff);
  return Buffer.concat([Buffer.of(tag), size, content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(positive: Buffer): Buffer {
  return tagged(0x02, positive);
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), bytes]));
}

function octetString(bytes: Buffer): Buffer {
  return tagged(0x04, bytes);
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'));
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
