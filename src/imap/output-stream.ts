// The one way out: everything that a client reads goes through here in the order in which it was written, and a writer
// who awaits is held back while the client does not keep up. Knows nothing of the protocol. Used by client-socket.ts.

import type { Socket } from 'node:net';
import { ConnectionGone } from './answers.ts';

export class OutputStream {
  #socket: Socket | null = null;
  #draining: PromiseWithResolvers<void> | null = null;

  /** Bytes go here from now on; the former destination must have been flushed. */
  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on('drain', () => this.#settle(null));
  }

  /** Something waits for the client to read. */
  get congested(): boolean {
    return this.#draining !== null;
  }

  /** Resolves when more can be written: at once while the client keeps up. Rejects with ConnectionGone. */
  async write(bytes: Buffer | string): Promise<void> {
    if (this.#socket === null || !this.#socket.writable) throw new ConnectionGone();
    const flowing = typeof bytes === 'string' ? this.#socket.write(bytes, 'latin1') : this.#socket.write(bytes);
    if (!flowing) this.#draining ??= Promise.withResolvers<void>();
    await this.#draining?.promise;
  }

  /** Resolves when the bytes have been handed to the operating system, so that whoever wrote them may write over them. */
  async writeThrough(bytes: Buffer): Promise<void> {
    const socket = this.#socket;
    if (socket === null || !socket.writable) throw new ConnectionGone();
    await new Promise<void>((resolve, reject) => {
      socket.write(bytes, (error) => (error ? reject(new ConnectionGone()) : resolve()));
    });
  }

  /** Resolves when every byte has been handed to the operating system. */
  flush(): Promise<void> {
    return this.writeThrough(Buffer.alloc(0));
  }

  /** Nothing more can be written; whoever waits is told so. */
  close(): void {
    this.#socket = null;
    this.#settle(new ConnectionGone());
  }

  #settle(problem: Error | null): void {
    const draining = this.#draining;
    this.#draining = null;
    if (problem === null) draining?.resolve();
    // Nobody need be waiting: the rejection must not count as unhandled.
    else draining?.promise.catch(() => undefined);
    if (problem !== null) draining?.reject(problem);
  }
}
