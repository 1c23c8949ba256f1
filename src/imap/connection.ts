// One connection of one client: its login, its selected mailbox, its deadlines, and why and how it ends. Is what every
// command gets to work with. Knows no rule of the quarantine, and nothing of imap-core. Bytes come and go in
// client-socket.ts, command-loop.ts runs the commands, connection-log.ts writes the log. Made by imap-core.ts.

import type { Socket } from 'node:net';
import type { SessionSentences } from '../quarantine/sentences.ts';
import { BadCommand, ConnectionGone, privacyRequired, untaggedLine } from './answers.ts';
import { capabilitiesOf } from './capability.ts';
import { ClientSocket } from './client-socket.ts';
import type { Answer, ConnectionState, ImapConnection, Login, SelectedMailbox } from './command.ts';
import { ConnectionLog } from './connection-log.ts';
import { LoginAttempts } from './login-attempts.ts';
import type { ProtocolConnection } from './protocol-command.ts';
import type { ShellState } from './shell-state.ts';

export interface Origin {
  readonly id: string;
  readonly remoteAddress: string;
  /** The socket has TLS already. */
  readonly secure: boolean;
}

export class Connection<S extends SelectedMailbox> implements ImapConnection<S>, ProtocolConnection {
  readonly id: string;
  readonly remoteAddress: string;
  secure: boolean;
  readonly socket: ClientSocket;
  readonly log: ConnectionLog;
  readonly #shell: ShellState<S>;
  readonly #loginAttempts = new LoginAttempts();
  #login: Login | null = null;
  #selected: S | null = null;
  #afterAnswer: (() => Promise<void> | void) | null = null;
  /** Why the connection ends when the command in progress has ended. */
  #farewell: string | null = null;
  /** Our last words, for the log. */
  #said: string | null = null;
  #loginDeadline: NodeJS.Timeout | undefined;
  #drainDeadline: NodeJS.Timeout | undefined;

  constructor(shell: ShellState<S>, socket: Socket, origin: Origin) {
    this.#shell = shell;
    this.id = origin.id;
    this.remoteAddress = origin.remoteAddress;
    this.secure = origin.secure;
    this.log = new ConnectionLog(shell.options.log, this);
    this.socket = new ClientSocket(socket, shell.deadlines, () => this.bye(this.sentences.endings.silence));
    this.socket.onClose(() => this.#finish());
  }

  get closed(): boolean {
    return this.socket.closed;
  }

  get state(): ConnectionState {
    if (this.#login === null) return 'Not Authenticated';
    return this.#selected === null ? 'Authenticated' : 'Selected';
  }

  get loggedIn(): boolean {
    return this.#login !== null;
  }

  get login(): Login {
    if (this.#login === null) throw new Error('nobody is logged in');
    return this.#login;
  }

  get selected(): S | null {
    return this.#selected;
  }

  set selected(mailbox: S | null) {
    const former = this.#selected;
    this.#selected = this.closed ? null : mailbox;
    if (former !== null && former !== mailbox) this.#leave(former);
    // The client went away while its mailbox was being opened: nobody else would close it.
    if (this.closed && mailbox !== null) this.#leave(mailbox);
  }

  get capabilities(): string {
    return capabilitiesOf(this, this.#shell.options.maxMessageBytes);
  }

  get sentences(): SessionSentences {
    return this.#shell.options.sentences;
  }

  get version(): string {
    return this.#shell.options.version;
  }

  get idleKeepaliveMs(): number {
    return this.#shell.deadlines.idleKeepaliveMs;
  }

  get congested(): boolean {
    return this.socket.output.congested;
  }

  write(bytes: Buffer | string): Promise<void> {
    return this.socket.output.write(bytes);
  }

  writeThrough(bytes: Buffer): Promise<void> {
    return this.socket.output.writeThrough(bytes);
  }

  prompt(text: string): Promise<void> {
    return this.write(`+ ${text}\r\n`);
  }

  async readLine(): Promise<string> {
    const { limits } = this.#shell;
    const { input } = this.socket;
    await input.arrival();
    const line = await input.readLine(this.loggedIn ? limits.lineBytes : limits.strangerBytes);
    if (line.kind === 'line') return line.text;
    if (line.kind === 'too long') throw new BadCommand('The line is too long');
    throw new ConnectionGone();
  }

  afterAnswer(action: () => Promise<void> | void): void {
    this.#afterAnswer = action;
  }

  /** The answer has gone out: does what the command wanted done then. */
  async answered(): Promise<void> {
    const action = this.#afterAnswer;
    this.#afterAnswer = null;
    await action?.();
  }

  onClose(listener: () => void): void {
    this.socket.onClose(listener);
  }

  async logIn(username: string, password: string): Promise<Answer> {
    if (!this.secure) return privacyRequired(this.sentences);
    const { authenticate } = this.#shell.options;
    const repeated = this.#loginAttempts.repeatsLast(username, password);
    const { id: connectionId, remoteAddress } = this;
    const result = await authenticate({ username, password, remoteAddress, connectionId, repeated });
    if (!result.ok) {
      if (result.code !== 'UNAVAILABLE') this.#loginAttempts.noteRefused(username, password);
      if (this.#loginAttempts.count >= this.#shell.limits.failedLogins) {
        this.afterAnswer(() => this.bye(this.sentences.endings.wrongPasswords));
      }
      // Whoever checks passwords logs what came of it, and why.
      return { response: 'NO', code: result.code, text: result.text, logged: true };
    }
    if (this.closed) throw new ConnectionGone();
    if (!this.#shell.enter(result.login)) {
      // RFC 5530 would call it LIMIT; but that makes Thunderbird ask for a new password, while this one shows the text.
      const code = 'UNAVAILABLE';
      const text = this.sentences.tooManyConnections;
      const answer: Answer = { response: 'NO', code, text, logged: true };
      this.log.noteTooManyConnections(result.login, answer);
      return answer;
    }
    this.#login = result.login;
    clearTimeout(this.#loginDeadline);
    this.#loginDeadline = undefined;
    this.socket.setInactivityTimeout(this.#shell.deadlines.inactivityMs);
    return { response: 'OK', code: `CAPABILITY ${this.capabilities}`, text: 'Logged in' };
  }

  async startTls(): Promise<void> {
    try {
      await this.socket.upgrade(this.#shell.contexts);
      this.secure = true;
    } catch (error) {
      if (error instanceof ConnectionGone) throw error;
      this.log.noteFailedUpgrade(error);
      this.close();
    }
  }

  /** From here on the client has its time to log in. */
  async greet(): Promise<void> {
    this.#loginDeadline = setTimeout(
      () => this.bye(this.sentences.endings.loginTooSlow),
      this.#shell.deadlines.loginMs,
    );
    await this.write(untaggedLine(`OK [CAPABILITY ${this.capabilities}] Lazaretto ready`));
  }

  /** Lets the command in progress finish, for as long as `drainMs`, and says goodbye. */
  shutDown(text: string): void {
    this.#farewell = text;
    this.socket.input.stop();
    if (this.socket.upgrading) this.close();
    else if (!this.socket.closing)
      this.#drainDeadline ??= setTimeout(() => this.bye(text), this.#shell.deadlines.drainMs);
  }

  /** The last command has ended: so does the connection. */
  end(): void {
    if (this.#farewell === null) this.close();
    else this.bye(this.#farewell);
  }

  bye(text: string): void {
    if (this.socket.closing) return;
    this.#said = text;
    this.close(untaggedLine(`BYE ${text}`));
  }

  close(lastWords?: Buffer): void {
    clearTimeout(this.#loginDeadline);
    clearTimeout(this.#drainDeadline);
    this.socket.close(lastWords);
  }

  #finish(): void {
    // When the client hung up by itself, our deadlines are still running.
    this.close();
    this.selected = null;
    if (this.#login !== null) this.#shell.leave(this.#login);
    this.log.noteEnd(this.#said);
  }

  #leave(mailbox: S): void {
    try {
      mailbox.close();
    } catch (error) {
      this.log.noteProblem(error, 'leaving a mailbox');
    }
  }
}
