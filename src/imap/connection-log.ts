// What the log says of one connection: which it is and who is logged in stand in every line, and nothing that the client
// typed stands in any, but for the name of its program. Commands that are refused are logged by answers.ts. Made by
// connection.ts.

import type { Log } from '../quarantine/ports.ts';
import { loginName } from '../quarantine/scope.ts';
import { ConnectionGone } from './answers.ts';
import type { Answer, Login } from './command.ts';

/** Who the lines are about. */
interface Subject {
  readonly id: string;
  readonly remoteAddress: string;
  readonly loggedIn: boolean;
  /** Throws before login. */
  readonly login: Login;
}

export class ConnectionLog {
  readonly #log: Log;
  readonly #subject: Subject;
  readonly #openedAt = performance.now();

  constructor(log: Log, subject: Subject) {
    this.#log = log;
    this.#subject = subject;
  }

  /** What every line begins with. */
  get fields(): object {
    const { id, remoteAddress, loggedIn } = this.#subject;
    const login = loggedIn ? loginName(this.#subject.login.scope) : undefined;
    return { connection: id, remoteAddress, login };
  }

  /** What the client says about itself. */
  noteClient(description: string): void {
    this.#log.info({ event: 'client', ...this.fields, client: description }, 'IMAP client says what it is');
  }

  /** A failure that must not spoil the command in progress. That the client has gone is none. */
  noteProblem(error: unknown, doing: string): void {
    if (error instanceof ConnectionGone) return;
    this.#log.error({ event: 'connection', ...this.fields, err: error }, `IMAP: ${doing} failed`);
  }

  noteFailedUpgrade(error: unknown): void {
    this.#log.info({ event: 'connection', ...this.fields, err: error }, 'IMAP STARTTLS failed');
  }

  /** The password was right. */
  noteTooManyConnections({ scope }: Login, { code, text }: Answer): void {
    const fields = { ...this.fields, login: loginName(scope) };
    this.#log.warn({ event: 'refuse', ...fields, command: 'LOGIN', code, text }, 'too many connections');
  }

  /** @param said our last words; null when it was the client who hung up */
  noteEnd(said: string | null): void {
    const durationMs = Math.round(performance.now() - this.#openedAt);
    // Strangers who only knock, such as a balancer's check, are nothing to tell at each time.
    this.#log[this.#subject.loggedIn ? 'info' : 'debug'](
      { event: 'session', ...this.fields, durationMs, ended: said ?? 'by the client' },
      'IMAP session ended',
    );
  }
}
