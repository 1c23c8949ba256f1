// The bytes between DATA and the final dot, as RFC 5321 section 4.5.2 has them: takes the transparency dots away and finds the end.
// Everything else passes unchanged. Never takes a bare LF or a bare CR for the end of a line: servers that do can be made to see two
// messages where another saw one ("SMTP smuggling"), and would take dots away that nobody added.
// Used by smtp-shell.ts; one decoder for one message.

const LF = 10;
const CR = 13;
const DOT = 46;

/** `dot`: a dot at the begin of a line is held back; `dot-cr`: a dot and a CR are. */
type State = 'line-start' | 'text' | 'cr' | 'dot' | 'dot-cr';

export interface Decoded {
  /** Bytes of the message. */
  message: Buffer;
  /** What came after the final dot's line; null while the message goes on. */
  rest: Buffer | null;
}

export class DataDecoder {
  #state: State = 'line-start';

  push(chunk: Buffer): Decoded {
    // Two bytes may still be held back from the chunk before.
    const out = Buffer.allocUnsafe(chunk.length + 2);
    let length = 0;
    let state = this.#state;
    for (let at = 0; at < chunk.length; at++) {
      if (state === 'text') {
        // Nothing but a CR can begin the end of a line, so the rest of the line is copied whole.
        const cr = chunk.indexOf(CR, at);
        const end = cr < 0 ? chunk.length : cr;
        length += chunk.copy(out, length, at, end);
        at = end;
        if (cr < 0) break;
      }
      const byte = chunk[at] ?? 0;
      if (state === 'line-start' && byte === DOT) {
        state = 'dot';
        continue;
      }
      if (state === 'dot' && byte === CR) {
        state = 'dot-cr';
        continue;
      }
      if (state === 'dot-cr') {
        if (byte === LF) return { message: out.subarray(0, length), rest: chunk.subarray(at + 1) };
        // RFC 5321 section 4.5.2: a dot before anything else on its line is deleted; the CR that was held back belongs to the message.
        out[length++] = CR;
        state = 'cr';
      }
      out[length++] = byte;
      if (byte === CR) state = 'cr';
      else state = byte === LF && state === 'cr' ? 'line-start' : 'text';
    }
    this.#state = state;
    return { message: out.subarray(0, length), rest: null };
  }
}
