// One connection of one client: its socket, its deadlines, its login and its selected mailbox, and the loop that runs one
// command after the other. Is what every command gets to work with. Knows no rule of the quarantine, and of imap-core only
// that it takes complete commands (imap-core.ts, which makes the connections).

import type { Socket } from 'node:net';
import { loginName } from '../quarantine/scope.ts';
import { BadCommand, ConnectionGone, noteRefusal, privacyRequired, taggedLine, untaggedLine } from './answers.ts';
import { capabilitiesOf } from './capability.ts';
import type { Incoming } from './command-reader.ts';
import { readCommand } from './command-reader.ts';
import type { Answer, ConnectionState, ImapConnection, Login, SelectedMailbox } from './command.ts';
import { InputStream } from './input-stream.ts';
import { LoginAttempts } from './login-attempts.ts';
import { ConnectionRules } from './connection-rules.ts';
import { OutputStream } from './output-stream.ts';
import type { Outcome, Suspended } from './perform.ts';
import type { ProtocolConnection } from './protocol-command.ts';
import type { ShellState } from './shell-state.ts';

/** imap-core's part of a connection. */
export interface Dispatcher {
  /** Finds out which command it is and has it performed and answered. */
  dispatch(text: string, literals: readonly Buffer[]): Promise<void>;
  /** Counts a protocol error; the client that makes too many is sent away. */
  countBadCommand(): void;
}

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
  closed = false;
  readonly #shell: ShellState<S>;
  readonly #rules: ConnectionRules<S>;
  readonly #input = new InputStream();
  readonly #output = new OutputStream();
  readonly #loginAttempts = new LoginAttempts();
  readonly #closeListeners: (() => void)[] = [];
  readonly #onData = (chunk: Buffer): void => this.#input.receive(chunk);
  readonly #onEnd = (): void => this.#input.end();
  #socket: Socket;
  #login: Login | null = null;
  #selected: S | null = null;
  #afterAnswer: (() => Promise<void> | void) | null = null;
  /** What the client sends next is for this command. */
  #suspended: { tag: string; command: Suspended } | null = null;
  /** Why the connection ends when the command in progress has ended. */
  #farewell: string | null = null;
  #leaving = false;
  /** Our last words, for the log. */
  #said: string | null = null;
  readonly #openedAt = performance.now();
  #upgrading = false;
  #loginDeadline: NodeJS.Timeout | undefined;
  #closeDeadline: NodeJS.Timeout | undefined;

  constructor(shell: ShellState<S>, socket: Socket, origin: Origin) {
    this.#shell = shell;
    this.#socket = socket;
    this.id = origin.id;
    this.remoteAddress = origin.remoteAddress;
    this.secure = origin.secure;
    this.#rules = new ConnectionRules(shell, this);
    this.#attach(socket);
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

  get version(): string {
    return this.#shell.options.version;
  }

  get idleKeepaliveMs(): number {
    return this.#shell.deadlines.idleKeepaliveMs;
  }

  get congested(): boolean {
    return this.#output.congested;
  }

  write(bytes: Buffer | string): Promise<void> {
    return this.#output.write(bytes);
  }

  writeThrough(bytes: Buffer): Promise<void> {
    return this.#output.writeThrough(bytes);
  }

  prompt(text: string): Promise<void> {
    return this.write(`+ ${text}\r\n`);
  }

  async readLine(): Promise<string> {
    const { limits } = this.#shell;
    await this.#input.arrival();
    const line = await this.#input.readLine(this.loggedIn ? limits.lineBytes : limits.strangerBytes);
    if (line.kind === 'line') return line.text;
    if (line.kind === 'too long') throw new BadCommand('The line is too long');
    throw new ConnectionGone();
  }

  afterAnswer(action: () => Promise<void> | void): void {
    this.#afterAnswer = action;
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#closeListeners.push(listener);
  }

  noteClient(description: string): void {
    this.#shell.options.log.info(
      { event: 'client', ...this.#fields(), client: description },
      'IMAP client says what it is',
    );
  }

  logProblem(error: unknown, doing: string): void {
    if (error instanceof ConnectionGone) return;
    this.#shell.options.log.error({ event: 'connection', ...this.#fields(), err: error }, `IMAP: ${doing} failed`);
  }

  async logIn(username: string, password: string): Promise<Answer> {
    if (!this.secure) return privacyRequired;
    const { authenticate, log } = this.#shell.options;
    const repeated = this.#loginAttempts.repeatsLast(username, password);
    const { id: connectionId, remoteAddress } = this;
    const result = await authenticate({ username, password, remoteAddress, connectionId, repeated });
    if (!result.ok) {
      if (result.code !== 'UNAVAILABLE') this.#loginAttempts.noteRefused(username, password);
      if (this.#loginAttempts.count >= this.#shell.limits.failedLogins) {
        this.afterAnswer(() => this.bye('Too many wrong passwords. Please connect again.'));
      }
      // Whoever checks passwords logs what came of it, and why.
      return { response: 'NO', code: result.code, text: result.text, logged: true };
    }
    if (this.closed) throw new ConnectionGone();
    if (!this.#shell.enter(result.login)) {
      // RFC 5530 would call it LIMIT; but that makes Thunderbird ask for a new password, while this one shows the text.
      const code = 'UNAVAILABLE';
      const text = 'There are too many connections of this login. Close a mail program and try again.';
      const login = loginName(result.login.scope);
      log.warn({ event: 'refuse', ...this.#fields(), login, command: 'LOGIN', code, text }, 'too many connections');
      return { response: 'NO', code, text, logged: true };
    }
    this.#login = result.login;
    clearTimeout(this.#loginDeadline);
    this.#loginDeadline = undefined;
    this.#socket.setTimeout(this.#shell.deadlines.inactivityMs);
    return { response: 'OK', code: `CAPABILITY ${this.capabilities}`, text: 'Logged in' };
  }

  async startTls(): Promise<void> {
    const socket = this.#socket;
    await this.#output.flush();
    this.#upgrading = true;
    socket.off('data', this.#onData).off('end', this.#onEnd).pause();
    try {
      const secured = await this.#shell.contexts.secure(socket, this.#shell.deadlines.handshakeMs);
      this.#upgrading = false;
      this.#socket = secured;
      // RFC 9051 section 6.2.1: with this, what was sent in clear behind STARTTLS is forgotten. What may come in clear yet
      // is taken for a part of the handshake, and breaks it.
      this.#attach(secured);
      this.secure = true;
    } catch (error) {
      this.#shell.options.log.info({ event: 'connection', ...this.#fields(), err: error }, 'IMAP STARTTLS failed');
      this.close();
    }
    if (this.#leaving) this.#socket.destroy();
  }

  /** Serves the client to the end. Never rejects. */
  async serve(dispatcher: Dispatcher, refusal: string | null): Promise<void> {
    try {
      if (refusal !== null) return this.bye(refusal);
      this.#loginDeadline = setTimeout(
        () => this.bye('The login took too long. Please connect again.'),
        this.#shell.deadlines.loginMs,
      );
      await this.write(untaggedLine(`OK [CAPABILITY ${this.capabilities}] Lazaretto ready`));
      let serving = true;
      while (serving) {
        await this.#input.arrival();
        serving = await this.#serveNext(dispatcher);
      }
    } catch (error) {
      this.logProblem(error, 'serving a connection');
    }
    if (this.#farewell === null) this.close();
    else this.bye(this.#farewell);
  }

  /**
   * Sends the tagged answer, or keeps the command that waits for what the client sends next. After null, nobody being there to answer, no
   * further command is read. False: the command was a bad one.
   */
  async answer(tag: string, outcome: Outcome): Promise<boolean> {
    if (outcome === null) this.#input.stop();
    else if ('resume' in outcome) this.#suspended = { tag, command: outcome };
    else {
      await this.write(taggedLine(tag, outcome));
      return outcome.response !== 'BAD';
    }
    return true;
  }

  bye(text: string): void {
    if (this.#leaving) return;
    this.#said = text;
    if (!this.#upgrading) this.write(untaggedLine(`BYE ${text}`)).catch(() => undefined);
    this.close();
  }

  /** Lets the command in progress finish, for as long as `drainMs`, and says goodbye. */
  shutDown(text: string): void {
    this.#farewell = text;
    this.#input.stop();
    if (this.#upgrading) this.close();
    else this.#closeDeadline ??= setTimeout(() => this.bye(text), this.#shell.deadlines.drainMs);
  }

  close(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    clearTimeout(this.#loginDeadline);
    clearTimeout(this.#closeDeadline);
    this.#input.stop();
    this.#output.close();
    if (this.#upgrading) this.#socket.destroy();
    this.#socket.end();
    // What still comes in is read and dropped: an unread byte would make the system reset the connection, and our last
    // words with it.
    this.#socket.resume();
    this.#closeDeadline = setTimeout(() => this.#socket.destroy(), this.#shell.deadlines.closeMs);
  }

  async #serveNext(dispatcher: Dispatcher): Promise<boolean> {
    if (this.#suspended !== null) await this.#resume(this.#suspended, dispatcher);
    else {
      const incoming = await readCommand(this.#input, this.#rules);
      if (this.#leaving) return false;
      if (!(await this.#execute(incoming, dispatcher))) return false;
    }
    const action = this.#afterAnswer;
    this.#afterAnswer = null;
    await action?.();
    // Thousands of pipelined commands must not keep everybody else waiting.
    await new Promise((resolve) => setImmediate(resolve));
    return !this.#leaving || this.#suspended !== null;
  }

  async #resume({ tag, command }: { tag: string; command: Suspended }, dispatcher: Dispatcher): Promise<void> {
    this.#suspended = null;
    const isGood = await this.answer(tag, await command.resume());
    if (!isGood) dispatcher.countBadCommand();
  }

  async #execute(incoming: Incoming, dispatcher: Dispatcher): Promise<boolean> {
    switch (incoming.kind) {
      case 'command':
        await dispatcher.dispatch(incoming.text, incoming.literals);
        return true;
      case 'refused':
        noteRefusal(incoming.answer, this.#shell.options, this.#fields());
        await this.answer(incoming.tag, incoming.answer);
        if (incoming.answer.response === 'BAD') dispatcher.countBadCommand();
        return true;
      case 'hopeless':
        this.bye(incoming.text);
        return false;
      case 'end':
        return false;
    }
  }

  #attach(socket: Socket): void {
    this.#input.attach(socket);
    this.#output.attach(socket);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('timeout', () =>
      this.bye('Nothing was heard from your mail program for a long time. It may connect again.'),
    );
    // "close" follows.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#finish());
  }

  #finish(): void {
    if (this.closed) return;
    this.close();
    this.closed = true;
    clearTimeout(this.#closeDeadline);
    this.selected = null;
    if (this.#login !== null) this.#shell.leave(this.#login);
    this.#logEnd();
    for (const listener of this.#closeListeners) listener();
  }

  #leave(mailbox: S): void {
    try {
      mailbox.close();
    } catch (error) {
      this.logProblem(error, 'leaving a mailbox');
    }
  }

  #logEnd(): void {
    const durationMs = Math.round(performance.now() - this.#openedAt);
    const ended = this.#said ?? 'by the client';
    const { log } = this.#shell.options;
    // Strangers who only knock, such as a balancer's check, are nothing to tell at each time.
    log[this.#login === null ? 'debug' : 'info'](
      { event: 'session', ...this.#fields(), durationMs, ended },
      'IMAP session ended',
    );
  }

  #fields(): object {
    const login = this.#login === null ? undefined : loginName(this.#login.scope);
    return { connection: this.id, remoteAddress: this.remoteAddress, login };
  }
}
