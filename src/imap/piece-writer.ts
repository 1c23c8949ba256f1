// Sends the pieces of an answer in large writes: short ones are put together, long ones go out as they are, and the memory of each is given
// back when it is on its way. A slow client is waited for. Used by fetch-each.ts.
import { freeBuffer, giveChunkBack, takeChunk } from './chunk-pool.ts';
import type { ImapConnection } from './command.ts';

export class PieceWriter {
  readonly #connection: Pick<ImapConnection, 'writeThrough'>;
  readonly #chunk = takeChunk();
  #length = 0;

  constructor(connection: Pick<ImapConnection, 'writeThrough'>) {
    this.#connection = connection;
  }

  /** Takes the piece: nobody else may use it any more. */
  async write(piece: Buffer): Promise<void> {
    if (this.#length + piece.length > this.#chunk.length) await this.#flush();
    if (piece.length < this.#chunk.length) {
      this.#chunk.set(piece, this.#length);
      this.#length += piece.length;
    } else await this.#connection.writeThrough(piece);
    freeBuffer(piece);
  }

  /** To be called once, unless `write` has failed. */
  async end(): Promise<void> {
    await this.#flush();
    giveChunkBack(this.#chunk);
  }

  async #flush(): Promise<void> {
    if (this.#length) await this.#connection.writeThrough(this.#chunk.subarray(0, this.#length));
    this.#length = 0;
  }
}
