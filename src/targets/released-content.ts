// The bytes of a released copy: the original as it came in, with one trace header line at its top. Nothing is parsed, re-encoded or
// copied as a whole, whatever its size. Called by the SMTP session for every transaction.
import { isAscii } from 'node:buffer';
import { Readable } from 'node:stream';
import { traceHeaderName } from '../quarantine/trace.ts';

const sliceBytes = 64 * 1024;

export interface ReleasedContent {
  /** The trace header line, with its CRLF. */
  header: Buffer;
  content: Buffer;
  /** RFC 1870 section 3: the message with CRLF line ends, without dot-stuffing and the final dot. */
  sizeBytes: number;
  /** RFC 6152: whether any byte is above 127. */
  eightBit: boolean;
}

export function releasedContent(content: Buffer, trace: string): ReleasedContent {
  // RFC 5322 section 2.1.1: a line has at most 998 characters. A broken trace is our bug, and must never become a second header.
  if (!/^[\x20-\x7e]{1,900}$/.test(trace)) throw new Error('the trace is not one line of printable ASCII');
  const header = Buffer.from(`${traceHeaderName}: ${trace}\r\n`, 'latin1');
  return { header, content, sizeBytes: header.length + crlfBytes(content), eightBit: !isAscii(content) };
}

/** Slices that a connection takes at its own pace, so that 50 MB do not wait in its buffer a second time. */
export function streamOf({ header, content }: ReleasedContent): Readable {
  function* slices(): Generator<Buffer> {
    yield header;
    for (let start = 0; start < content.length; start += sliceBytes) yield content.subarray(start, start + sliceBytes);
  }
  return Readable.from(slices(), { objectMode: false });
}

// RFC 5321 section 2.3.8: lines end with CRLF and nothing else, so a bare CR or LF becomes CRLF on the wire, and the last line is ended.
function crlfBytes(content: Buffer): number {
  let added = 0;
  let previous = 0;
  for (const byte of content) {
    // One byte is added for each CR that no LF follows, and for each LF that no CR precedes.
    if ((previous === 0x0d) !== (byte === 0x0a)) added += 1;
    previous = byte;
  }
  if (previous === 0x0d) added += 1;
  else if (content.length > 0 && previous !== 0x0a) added += 2;
  return content.length + added;
}
