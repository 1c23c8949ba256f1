// PROXY headers as a balancer sends them, put together by hand from proxy-protocol.txt: not by the code that is tested with them.

export function headerLine(source: string, family: 'TCP4' | 'TCP6' = 'TCP4'): Buffer {
  return Buffer.from(`PROXY ${family} ${source} ${family === 'TCP4' ? '192.0.2.1' : '2001:db8::1'} 56324 993\r\n`);
}

export interface BinaryHeader {
  version?: number;
  /** 0 LOCAL, 1 PROXY. */
  command?: number;
  /** 1 IPv4, 2 IPv6, 3 UNIX. */
  family?: number;
  /** 1 stream, 2 datagram. */
  transport?: number;
  /** Source address, destination address, ports. */
  addresses?: Buffer;
  tlvs?: Buffer;
  /** In the place of the right one. */
  length?: number;
}

export function binaryHeader(header: BinaryHeader = {}): Buffer {
  const { version = 2, command = 1, family = 1, transport = 1 } = header;
  const { addresses = ipv4Addresses('203.0.113.7'), tlvs = Buffer.alloc(0) } = header;
  const rest = Buffer.concat([addresses, tlvs]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(header.length ?? rest.length);
  const start = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
  return Buffer.concat([start, Buffer.from([(version << 4) | command, (family << 4) | transport]), length, rest]);
}

export function ipv4Addresses(source: string): Buffer {
  return Buffer.from([...source.split('.').map(Number), 192, 0, 2, 1, 0xdc, 0x04, 0x03, 0xe1]);
}

/** @param source 32 hex digits */
export function ipv6Addresses(source: string): Buffer {
  return Buffer.from(`${source}${'20010db8'.padEnd(31, '0')}1dc0403e1`, 'hex');
}

/** What a balancer sends ahead of its own health check. */
export const localHeader = binaryHeader({ command: 0, family: 0, transport: 0, addresses: Buffer.alloc(0) });

export function tlv(type: number, value: string): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), Buffer.from(value, 'latin1')]);
}
