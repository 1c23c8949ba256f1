// The header that a balancer puts in front of a connection to say whose it is: the PROXY protocol, versions 1 and 2
// (haproxy.org, proxy-protocol.txt, whose sections are meant below). Pure: bytes in, an address out. Called by proxied-client.ts.
import { isIP, SocketAddress } from 'node:net';

export type ProxyHeader =
  /** So far it may become one. */
  | { readonly kind: 'incomplete' }
  /** `problem` continues "the PROXY header …". */
  | { readonly kind: 'malformed'; readonly problem: string }
  /** Null: the balancer speaks for itself (a health check), or does not know. What follows `lengthBytes` is the client's. */
  | { readonly kind: 'complete'; readonly lengthBytes: number; readonly source: string | null };

const lineSignature = Buffer.from('PROXY ');
const binarySignature = Buffer.from('\r\n\r\n\0\r\nQUIT\n');
const binaryStartBytes = 16;
/** Section 2.1: the longest line, with its CRLF. */
const maxLineBytes = 107;
/** Section 2: headers fit into 536 bytes. What a balancer tells of a client certificate may take more. */
const maxBinaryBytes = 4096;

/** Nothing of a real header is longer. */
export const maxHeaderBytes = binaryStartBytes + maxBinaryBytes;

/** Asked again with more bytes as long as the answer is `incomplete`; that is never the answer to more than maxHeaderBytes. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsLike(bytes, binarySignature)) return readBinary(bytes);
  if (beginsLike(bytes, lineSignature)) return readLine(bytes);
  return malformed('is missing');
}

function beginsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.subarray(0, length).equals(signature.subarray(0, length));
}

function malformed(problem: string): ProxyHeader {
  return { kind: 'malformed', problem };
}

function readLine(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, maxLineBytes).indexOf('\n');
  if (end < 0) return bytes.length < maxLineBytes ? { kind: 'incomplete' } : malformed('has no end');
  if (bytes[end - 1] !== 0x0d) return malformed('does not end with CRLF');
  const line = bytes.toString('latin1', 0, end - 1);
  const source = sourceOfLine(line);
  return source === undefined
    ? malformed('is not as version 1 has it')
    : { kind: 'complete', lengthBytes: end + 1, source };
}

/** Undefined when the line is malformed. */
function sourceOfLine(line: string): string | null | undefined {
  // Section 2.1: whatever follows UNKNOWN is ignored.
  if (/^PROXY UNKNOWN( |$)/.test(line)) return null;
  const [, version, source = '', destination = '', ...ports] =
    /^PROXY TCP([46]) ([\da-fA-F.:]+) ([\da-fA-F.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line) ?? [];
  const isRight = [source, destination].every((address) => isIP(address) === Number(version));
  return isRight && ports.every((port) => Number(port) <= 65_535) ? plainAddress(source) : undefined;
}

function readBinary(bytes: Buffer): ProxyHeader {
  if (bytes.length < binaryStartBytes) return { kind: 'incomplete' };
  const [version, command] = halves(bytes.readUInt8(12));
  if (version !== 2 || command > 1) return malformed('has a version or command that does not exist');
  const [family, transport] = halves(bytes.readUInt8(13));
  const isLocal = command === 0;
  if (!isLocal && (family > 3 || transport > 2))
    return malformed('has an address family or transport that does not exist');
  const length = bytes.readUInt16BE(14);
  if (length > maxBinaryBytes) return malformed(`is longer than ${maxBinaryBytes} bytes`);
  const lengthBytes = binaryStartBytes + length;
  if (bytes.length < lengthBytes) return { kind: 'incomplete' };
  // Section 2.2: LOCAL is the balancer itself. What cannot be a client of ours (UNIX sockets, datagrams) counts as UNSPEC, where the
  // addresses of the connection itself are used. What follows the addresses (TLVs) is skipped.
  if (isLocal || transport !== 1) return { kind: 'complete', lengthBytes, source: null };
  const addressBytes = { 1: 4, 2: 16 }[family];
  if (addressBytes === undefined) return { kind: 'complete', lengthBytes, source: null };
  if (length < 2 * addressBytes + 4) return malformed('is too short for its addresses');
  const address = bytes.subarray(binaryStartBytes, binaryStartBytes + addressBytes);
  return { kind: 'complete', lengthBytes, source: plainAddress(addressOf(address)) };
}

function halves(byte: number): [high: number, low: number] {
  return [byte >> 4, byte & 0x0f];
}

function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  return Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2).toString(16)).join(':');
}

/** As the rest of the server knows it: IPv6 in its short form, and an IPv4 address as such where IPv6 carries it. */
export function plainAddress(address: string): string {
  const canonical = isIP(address) === 6 ? new SocketAddress({ address, family: 'ipv6' }).address : address;
  return canonical.replace(/^::ffff:(?=\d+\.)/, '');
}
