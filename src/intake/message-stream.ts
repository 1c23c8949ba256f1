// What a client sends, taken apart into commands and messages: smtp-server's parser with a handling of dots that changes nothing else in
// a message. Made by smtp-shell.ts, one for each connection and one more after STARTTLS.
import type { SMTPServerDataStream } from 'smtp-server';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { DataDecoder } from './data-decoder.ts';

export class MessageStream extends SMTPStream {
  #decoder = new DataDecoder();

  override startDataMode(maxBytes?: number | string | null): SMTPServerDataStream {
    this.#decoder = new DataDecoder();
    return super.startDataMode(maxBytes);
  }

  override _feedDataStream(chunk: Buffer, done: (error?: Error | null) => void): void {
    const { message, rest } = this.#decoder.push(chunk);
    this._countDataBytes(message.length);
    if (rest) {
      this._endDataMode(message, rest, done);
      return;
    }
    const stream = this._dataStream;
    if (!stream?.writable || !message.length || stream.write(message)) {
      done();
      return;
    }
    // A stream that is destroyed never drains.
    const goOn = (): void => {
      stream.off('drain', goOn);
      stream.off('close', goOn);
      done();
    };
    stream.once('drain', goOn);
    stream.once('close', goOn);
  }
}
