// Files on disk have lines that end in LF; mail has CRLF (RFC 5322 section 2.3). Every LF without a CR before it becomes CRLF; nothing else
// changes: not an existing CRLF, not a bare CR, not a last line without an end. Used by the readers of files.
import type { MessageBuffer } from '../message-buffer.ts';

const LF = 10;
const CR = 13;
const crlf = Buffer.from('\r\n');

export class CrlfWriter {
  readonly #buffer: MessageBuffer;
  #isAfterCr = false;

  constructor(buffer: MessageBuffer) {
    this.#buffer = buffer;
  }

  write(bytes: Buffer): void {
    let start = 0;
    for (let lf = bytes.indexOf(LF); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) {
      const isCrlf = lf > 0 ? bytes[lf - 1] === CR : this.#isAfterCr;
      if (isCrlf) continue;
      this.#buffer.append(bytes.subarray(start, lf));
      this.#buffer.append(crlf);
      start = lf + 1;
    }
    this.#buffer.append(bytes.subarray(start));
    if (bytes.length) this.#isAfterCr = bytes[bytes.length - 1] === CR;
  }
}
