// IDLE (RFC 2177): until the client says DONE, changes of the selected mailbox are sent as they happen, and now and then
// a line that keeps routers from forgetting the connection. Never ends by itself.

import type { Answer } from './command.ts';
import type { ProtocolCommand, ProtocolConnection, Waiting } from './protocol-command.ts';
import { loggedInStates } from './protocol-command.ts';

export const idle: ProtocolCommand = {
  names: ['IDLE'],
  states: loggedInStates,
  announces: 'always',
  handle: async (connection, { args }) => {
    if (args.length > 0) return { response: 'BAD', text: 'IDLE takes no arguments' };
    await connection.prompt('idling');
    return new Idling(connection);
  },
};

/** After an announcement that failed. */
const retryMs = 1_000;

/** Announcements one after the other: a wake-up during one leads to exactly one more. */
class Idling implements Waiting {
  readonly #connection: ProtocolConnection;
  readonly #stopWatching: (() => void) | undefined;
  readonly #keepalive: NodeJS.Timeout;
  #running: Promise<void> | null = null;
  #again = false;
  #isFinished = false;
  #retry: NodeJS.Timeout | undefined;
  /** It has failed and been told; while a store is away, a thousand sessions in IDLE must not fill the log. */
  #isFailing = false;

  constructor(connection: ProtocolConnection) {
    this.#connection = connection;
    this.#stopWatching = connection.selected?.watch(() => this.#wake());
    this.#keepalive = setInterval(() => this.#keepAlive(), connection.idleKeepaliveMs);
    // What changed before we watched.
    this.#wake();
  }

  async resume(): Promise<Answer> {
    try {
      const line = await this.#connection.readLine();
      if (line.trim().toUpperCase() !== 'DONE') return { response: 'BAD', text: 'IDLE is ended with DONE' };
      return { response: 'OK', text: 'IDLE completed' };
    } finally {
      await this.#finish();
    }
  }

  #wake(): void {
    this.#again = true;
    this.#running ??= this.#run();
  }

  #keepAlive(): void {
    if (this.#running !== null || this.#connection.congested) return;
    this.#running = this.#send(() => this.#connection.write('* OK Still here\r\n')).then(() => this.#settled());
  }

  async #finish(): Promise<void> {
    this.#isFinished = true;
    clearInterval(this.#keepalive);
    this.#stopWatching?.();
    clearTimeout(this.#retry);
    this.#again = false;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const isTold = await this.#send(async () => this.#connection.selected?.announce(this.#connection));
      this.#isFailing = !isTold;
      // The wake-up is spent, and nobody promises another one for what it was about.
      if (!isTold) this.#announceLater();
    }
    this.#settled();
  }

  #announceLater(): void {
    clearTimeout(this.#retry);
    if (!this.#isFinished) this.#retry = setTimeout(() => this.#wake(), retryMs);
  }

  #settled(): void {
    this.#running = null;
    if (this.#again) this.#wake();
  }

  async #send(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      if (!this.#isFailing) this.#connection.log.noteProblem(error, 'announcing changes during IDLE');
      return false;
    }
  }
}
