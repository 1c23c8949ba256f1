// The socket of one client with its two streams, in and out: their change to TLS, and their end, at which our last words
// still arrive and a client that does not hang up is cut off. Knows nothing of the protocol. Made by connection.ts, which
// decides when to end; read from by command-loop.ts, too.

import type { Socket } from 'node:net';
import { InputStream } from './input-stream.ts';
import { OutputStream } from './output-stream.ts';
import type { ShellDeadlines } from './shell-options.ts';
import type { TlsContexts } from './tls-context.ts';

type SocketDeadlines = Pick<ShellDeadlines, 'handshakeMs' | 'closeMs'>;

export class ClientSocket {
  readonly input = new InputStream();
  readonly output = new OutputStream();
  /** A TLS handshake is in progress: nothing can be said. */
  upgrading = false;
  /** The end has begun: no more is read, and no more can be written. Stays true. */
  closing = false;
  /** The end has come. */
  closed = false;
  readonly #deadlines: SocketDeadlines;
  readonly #onTimeout: () => void;
  readonly #closeListeners: (() => void)[] = [];
  readonly #onData = (chunk: Buffer): void => this.input.receive(chunk);
  readonly #onEnd = (): void => this.input.end();
  #socket: Socket;
  #closeDeadline: NodeJS.Timeout | undefined;

  /** `onTimeout` is called, and nothing else done, when nothing came or went for as long as setInactivityTimeout says. */
  constructor(socket: Socket, deadlines: SocketDeadlines, onTimeout: () => void) {
    this.#socket = socket;
    this.#deadlines = deadlines;
    this.#onTimeout = onTimeout;
    this.#attach(socket);
  }

  /** Called once, when the connection is gone, in the order in which they were added; at once if it is gone already. */
  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#closeListeners.push(listener);
  }

  /** Until it is set the client may take any time. Not kept by an upgrade, which comes before the login anyway. */
  setInactivityTimeout(timeoutMs: number): void {
    this.#socket.setTimeout(timeoutMs);
  }

  /**
   * Begins TLS when all that was written has gone out. Rejects with ConnectionGone when there is nobody left, and with the
   * reason when the handshake fails: there is nothing to do then but to close.
   */
  async upgrade(contexts: TlsContexts): Promise<void> {
    const socket = this.#socket;
    await this.output.flush();
    this.upgrading = true;
    socket.off('data', this.#onData).off('end', this.#onEnd).pause();
    try {
      const secured = await contexts.secure(socket, this.#deadlines.handshakeMs);
      this.upgrading = false;
      this.#socket = secured;
      // RFC 9051 section 6.2.1: with this, what was sent in clear behind STARTTLS is forgotten. What may come in clear yet
      // is taken for a part of the handshake, and breaks it.
      this.#attach(secured);
    } finally {
      // Closed meanwhile: an end in good order would have been one in clear.
      if (this.closing) this.#socket.destroy();
    }
  }

  /**
   * Ends the connection in good order: what was written still goes out, and `lastWords` behind it; then the client has
   * `closeMs` to hang up as well. In the middle of a handshake it is cut off at once. Called again it does nothing.
   */
  close(lastWords?: Buffer): void {
    if (this.closing) return;
    if (lastWords !== undefined && !this.upgrading) this.output.write(lastWords).catch(() => undefined);
    this.closing = true;
    this.input.stop();
    this.output.close();
    if (this.upgrading) this.#socket.destroy();
    this.#socket.end();
    // What still comes in is read and dropped: an unread byte would make the system reset the connection, and our last
    // words with it.
    this.#socket.resume();
    this.#closeDeadline = setTimeout(() => this.#socket.destroy(), this.#deadlines.closeMs);
  }

  #attach(socket: Socket): void {
    this.input.attach(socket);
    this.output.attach(socket);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', closeFollows);
    socket.on('close', () => this.#finish());
  }

  /** After an upgrade two sockets say that they are closed. */
  #finish(): void {
    if (this.closed) return;
    this.close();
    this.closed = true;
    clearTimeout(this.#closeDeadline);
    for (const listener of this.#closeListeners) listener();
  }
}

/** Of an error nothing is done: "close" follows. */
function closeFollows(): void {}
