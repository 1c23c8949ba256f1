// Splits what a client sends into lines and literals, on demand: whoever wants the next piece asks for it, and nothing is
// read ahead of that beyond a small buffer, so that a client is slowed down to the pace of its commands. Works on bytes
// and in linear time, however the bytes are cut. Knows nothing of commands: command-reader.ts does. Used by client-socket.ts.

/** Where the bytes come from: a socket. */
export interface ByteSource {
  pause(): unknown;
  resume(): unknown;
}

export type Line =
  /** Without its end; one byte per character. */
  | { readonly kind: 'line'; readonly text: string }
  /** Longer than allowed, and read away: its first and last bytes. */
  | { readonly kind: 'too long'; readonly beginning: string; readonly ending: string }
  /** The client has stopped sending. */
  | { readonly kind: 'end' }
  /** The line is so long that waiting for its end would be foolish. */
  | { readonly kind: 'endless' };

/** More than this waits in the socket, not here. */
const bufferedBytes = 64 * 1024;
/** Of a line that is too long: enough for a tag, and for the marker of a literal. */
const keptBytes = 128;
/** An overlong line is read away up to this multiple of what is allowed; then the client is not worth waiting for. */
const patience = 4;

/** Shared: a thousand sessions wait for their next line. */
const nothing: Buffer = Buffer.alloc(0);

export class InputStream {
  readonly #chunks: Buffer[] = [];
  #buffered = 0;
  #source: ByteSource | null = null;
  #paused = false;
  #ended = false;
  #wake: (() => void) | null = null;

  /** Bytes come from here from now on. What the former source left unread is forgotten. */
  attach(source: ByteSource): void {
    this.#source = source;
    this.#paused = false;
    this.#chunks.length = 0;
    this.#buffered = 0;
  }

  receive(chunk: Buffer): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered > bufferedBytes) this.#pause(true);
    this.#wakeUp();
  }

  /** The client will send no more. What it has sent is still read. */
  end(): void {
    this.#ended = true;
    this.#wakeUp();
  }

  /** We want no more: whoever waits gets the end. */
  stop(): void {
    this.#chunks.length = 0;
    this.#buffered = 0;
    this.end();
  }

  /** Resolves when there is something to read, if only the end: who waits here waits with next to nothing in memory. */
  arrival(): Promise<void> {
    return this.#chunks.length > 0 || this.#ended ? Promise.resolve() : this.#more();
  }

  async readLine(maxBytes: number): Promise<Line> {
    const collected = new ByteCollector(maxBytes);
    let ending = nothing;
    let size = 0;
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) {
        if (this.#ended) return { kind: 'end' };
        if (size > maxBytes * patience) return { kind: 'endless' };
        await this.#more();
        continue;
      }
      const newline = chunk.indexOf(0x0a);
      const piece = newline < 0 ? chunk : chunk.subarray(0, newline);
      this.#consume(newline < 0 ? chunk.length : newline + 1);
      size += piece.length;
      collected.append(piece);
      if (size > maxBytes) ending = Buffer.concat([ending, piece.subarray(-keptBytes)]).subarray(-keptBytes);
      if (newline < 0) continue;
      // A bare LF ends a line, too: people try the server out with netcat.
      if (size <= maxBytes) return { kind: 'line', text: withoutCr(collected.bytes.toString('latin1')) };
      const beginning = collected.bytes.toString('latin1', 0, keptBytes);
      return { kind: 'too long', beginning, ending: withoutCr(ending.toString('latin1')) };
    }
  }

  /** Null when the client went away in the middle. */
  async readBytes(count: number): Promise<Buffer | null> {
    const collected = new ByteCollector(count);
    while (collected.length < count) {
      const piece = await this.#nextPiece(count - collected.length);
      if (piece === null) return null;
      collected.append(piece);
    }
    return collected.bytes;
  }

  /** False when the client went away in the middle. */
  async skipBytes(count: number): Promise<boolean> {
    for (let left = count; left > 0;) {
      const piece = await this.#nextPiece(left);
      if (piece === null) return false;
      left -= piece.length;
    }
    return true;
  }

  async #nextPiece(maxBytes: number): Promise<Buffer | null> {
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk !== undefined) {
        const piece = chunk.subarray(0, maxBytes);
        this.#consume(piece.length);
        return piece;
      }
      if (this.#ended) return null;
      await this.#more();
    }
  }

  #consume(count: number): void {
    const chunk = this.#chunks[0];
    if (chunk === undefined) return;
    this.#buffered -= count;
    if (count === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(count);
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#pause(false);
    });
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #pause(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) this.#source?.pause();
    else this.#source?.resume();
  }
}

/** Grows with what really arrives: a client that announces 50 MB and sends nothing costs nothing. */
class ByteCollector {
  readonly #maxBytes: number;
  #buffer = nothing;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** What exceeds the maximum is dropped. */
  append(piece: Buffer): void {
    const needed = Math.min(this.#length + piece.length, this.#maxBytes);
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(needed, this.#buffer.length * 2)));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.#length, 0, needed - this.#length);
    this.#length = needed;
  }
}

function withoutCr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
