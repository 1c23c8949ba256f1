// The one file that touches smtp-server, with message-stream.ts. It keeps the command loop, EHLO, STARTTLS and the timeouts of that library
// and replaces what would lose or change mail: its address parser (decodes IDNA, refuses quoted local parts), its dot handling (takes dots
// after a bare LF away), its list of recipients (drops a repeated one, so that LMTP gets one reply too few), its delayed greeting and its
// way to close. Decides nothing about mail: listener.ts gives the answers. smtp-server is pinned to one version because its inner methods
// are overridden.
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import type { Client } from '../net/proxied-client.ts';
import type { Envelope } from '../quarantine/message.ts';
import { parseEnvelopePath } from './envelope-path.ts';
import type { EnvelopePath } from './envelope-path.ts';
import { idleTimeoutMs, maxCommandLineBytes, maxRecipients } from './limits.ts';
import { MessageStream } from './message-stream.ts';
import { replies } from './reply.ts';
import type { Reply } from './reply.ts';

/** The key and the certificate chain in PEM. */
export interface Certificate {
  key: string;
  cert: string;
}

/** The answers. None may throw: what it throws would reach the client as smtp-server's own words. Null: go on. */
export interface ShellAnswers {
  /** Whose connection it is; null when it is not to be served and is closed already. */
  clientOf(socket: Socket): Promise<Client | null>;
  onConnect(client: Client): Reply | null;
  /** At MAIL. */
  onSender(client: Client): Reply | null;
  onRecipient(envelope: Envelope, recipient: string): Reply | null;
  /** Before 354. `announcedBytes` is what the client said at MAIL (RFC 1870), 0 when it said nothing. */
  onData(announcedBytes: number): Reply | null;
  /** The message. LMTP: one reply for each of the envelope's recipients; SMTP: one. */
  onMessage(message: AsyncIterable<Buffer>, envelope: Envelope): Promise<Reply[]>;
  /** A connection or the listener failed; nobody was answered. */
  onTrouble(error: unknown): void;
}

export interface ShellOptions {
  isLmtp: boolean;
  hostname: string;
  maxMessageBytes: number;
  maxClients: number;
  certificate?: Certificate;
  /** How long `shutDown` lets messages arrive. */
  closeGraceMs: number;
}

type Callback = (error?: Error | null) => void;
type DataCallback = (error?: Error | null, message?: string | (string | Error)[]) => void;

export class SmtpShell extends SMTPServer {
  readonly answers: ShellAnswers;
  readonly #closeGraceMs: number;
  readonly #sockets = new Set<Socket>();
  /** Nobody has said yet whose they are. */
  readonly #unknown = new Set<Socket>();
  readonly #clients = new WeakMap<SMTPServerSession, Client>();
  readonly #arriving = new Set<Promise<void>>();
  /** No connections and no transactions are begun any more. */
  isClosing = false;

  constructor(options: ShellOptions, answers: ShellAnswers) {
    super({
      lmtp: options.isLmtp,
      name: options.hostname,
      heloResponse: '%s',
      size: options.maxMessageBytes,
      maxClients: options.maxClients,
      maxRecipients,
      maxCommandLength: maxCommandLineBytes,
      socketTimeout: idleTimeoutMs,
      hideENHANCEDSTATUSCODES: false,
      disableReverseLookup: true,
      logger: false,
      disabledCommands: ['AUTH', 'XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL', 'STARTTLS'],
      minVersion: 'TLSv1.2',
    });
    this.answers = answers;
    this.#closeGraceMs = options.closeGraceMs;
    if (options.certificate) this.setCertificate(options.certificate);
    this.on('error', (error: Error) => answers.onTrouble(error));
  }

  /** For connections from now on; STARTTLS is offered as soon as there is a certificate. */
  setCertificate(certificate: Certificate): void {
    this.updateSecureContext({ key: certificate.key, cert: certificate.cert });
    this.options.disabledCommands = this.options.disabledCommands.filter((command) => command !== 'STARTTLS');
  }

  override connect(socket: Socket, options?: SMTPConnectionOptions | null): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#serve(socket, options).catch((error: unknown) => {
      this.answers.onTrouble(error);
      socket.destroy();
    });
  }

  async #serve(socket: Socket, options?: SMTPConnectionOptions | null): Promise<void> {
    this.#unknown.add(socket);
    const asked = this.answers.clientOf(socket).finally(() => this.#unknown.delete(socket));
    // smtp-server hands a connection on a moment after it was accepted; `shutDown` may have looked for the unknown ones in between.
    if (this.isClosing) setImmediate(() => this.#unknown.has(socket) && socket.destroy());
    const client = await asked;
    if (client === null || socket.destroyed) return;
    const connection = new ShellConnection(this, socket, { ...options, remoteAddress: client.address });
    this.#clients.set(connection.session, client);
    this.connections.add(connection);
    connection.on('error', (error: Error) => this._onError(error));
    connection.init();
  }

  override onConnect(session: SMTPServerSession, callback: Callback): void {
    callback(asError(this.answers.onConnect(this.#clientOf(session))));
  }

  override onMailFrom(_address: SMTPServerAddress, session: SMTPServerSession, callback: Callback): void {
    callback(asError(this.answers.onSender(this.#clientOf(session))));
  }

  override onRcptTo(address: SMTPServerAddress, session: SMTPServerSession, callback: Callback): void {
    callback(asError(this.answers.onRecipient(envelopeOf(session), address.address)));
  }

  override onData(stream: SMTPServerDataStream, session: SMTPServerSession, callback: DataCallback): void {
    const arriving = this.answers
      .onMessage(stream, envelopeOf(session))
      .then((given) => {
        const results = given.map(asResult);
        const [first] = results;
        // smtp-server answers an array one by one, which only LMTP allows.
        if (this.options.lmtp) callback(null, results);
        else if (typeof first === 'string') callback(null, first);
        else callback(first);
        if (this.isClosing) this.#endIdleConnections();
      })
      .catch((error: unknown) => this.answers.onTrouble(error));
    this.#arriving.add(arriving);
    void arriving.finally(() => this.#arriving.delete(arriving));
  }

  /** Rejects when the address or the port cannot be had. */
  async listenOn(port: number, address: string): Promise<AddressInfo> {
    this.listen(port, address);
    await once(this.server, 'listening');
    const bound = this.server.address();
    if (!bound || typeof bound === 'string') throw new Error('The listener has no TCP address.');
    return bound;
  }

  /**
   * Takes no more connections, tells those between two transactions to come later, lets the transactions that are under way come to
   * their end (for `closeGraceMs` at most) and tells their connections then. Not by smtp-server's `close`: it would answer the next
   * command of every transaction with 421.
   */
  async shutDown(): Promise<void> {
    this.isClosing = true;
    const isClosed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    let timer: NodeJS.Timeout | undefined;
    const timeIsUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#closeGraceMs);
    });
    for (const socket of this.#unknown) socket.destroy();
    this.#endIdleConnections();
    // A message whose client has gone away is still being stored.
    await Promise.race([isClosed.then(() => Promise.allSettled(this.#arriving)), timeIsUp]);
    clearTimeout(timer);
    for (const connection of this.connections) if (connection instanceof ShellConnection) connection.sendAway();
    for (const socket of this.#sockets) socket.destroy();
  }

  #clientOf(session: SMTPServerSession): Client {
    return this.#clients.get(session) ?? { address: session.remoteAddress, isBalancer: false };
  }

  #endIdleConnections(): void {
    for (const connection of this.connections) if (connection instanceof ShellConnection) connection.endUnlessBusy();
  }
}

class ShellConnection extends SMTPConnection {
  readonly #shell: SmtpShell;

  constructor(shell: SmtpShell, socket: Socket, options?: SMTPConnectionOptions | null) {
    super(shell, socket, options);
    this.#shell = shell;
  }

  /** smtp-server waits 100 ms for clients that talk too soon; a filter that delivers a message per connection would wait each time. */
  override init(): void {
    this._setListeners(() => {
      if (this.#shell.isClosing) this.#say(replies.closing);
      else if (this.#shell.connections.size > (this.#shell.options.maxClients ?? Infinity))
        this.#say(replies.tooManyClients);
      else this.connectionReady();
    });
  }

  // Called by the constructor of SMTPConnection, when this class's own fields do not exist yet.
  override _createParser(): SMTPStream {
    const parser = new MessageStream({ maxCommandLength: this._server.options.maxCommandLength });
    parser.oncommand = (command, callback) =>
      this._onCommand(command, () => {
        callback?.();
        // RSET has ended a transaction.
        if (this.#shell.isClosing) this.endUnlessBusy();
      });
    parser.on('error', (error) => this.send(421, `Error: ${error.message}`));
    return parser;
  }

  override _parseAddressCommand(name: string, command: Buffer | string): EnvelopePath | false {
    const verb = name.toUpperCase() === 'MAIL FROM' ? 'MAIL FROM' : 'RCPT TO';
    return parseEnvelopePath(Buffer.from(command), verb) ?? false;
  }

  override handler_RCPT(command: Buffer, callback: () => void): void {
    // Without its index smtp-server finds no earlier recipient to replace, and every RCPT keeps its place and its reply.
    this._rcptIndex.clear();
    super.handler_RCPT(command, callback);
  }

  override handler_DATA(command: Buffer, callback: () => void): void {
    const { mailFrom, rcptTo } = this.session.envelope;
    const announcedBytes = Number((mailFrom && mailFrom.args && mailFrom.args.SIZE) || 0);
    const refusal = rcptTo.length ? this.#shell.answers.onData(announcedBytes) : null;
    if (!refusal) {
      super.handler_DATA(command, callback);
      return;
    }
    this.#say(refusal);
    callback();
  }

  // RFC 5321 section 3.5.2: 502 says that the command is known and not there.
  handler_EXPN(_command: Buffer, callback: () => void): void {
    this.#say(replies.noExpansion);
    callback();
  }

  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    if (context === 'MAILBOX_SYNTAX_ERROR') this.#say(replies.malformedRecipient);
    else if (context === 'SENDER_SYNTAX_ERROR') this.#say(replies.malformedSender);
    // A text of ours brings its status code along.
    else super.send(code, data, typeof data === 'string' && /^[245]\.\d{1,3}\.\d{1,3} /.test(data) ? false : context);
  }

  #say(reply: Reply): void {
    super.send(reply.code, reply.text, false);
  }

  override handler_MAIL(command: Buffer, callback: () => void): void {
    if (!this.#shell.isClosing) super.handler_MAIL(command, callback);
    else {
      this.sendAway();
      callback();
    }
  }

  /** From the 250 to MAIL until the reply to the message, or until RSET, a connection is busy. */
  endUnlessBusy(): void {
    if (!this._dataStream && !this.session.envelope?.mailFrom) this.sendAway();
  }

  sendAway(): void {
    if (this._closing) return;
    this.#say(replies.closing);
    // A client that keeps its side open must not keep the server from ending.
    if (!this._upgrading) this._socket.destroySoon();
  }
}

function envelopeOf(session: SMTPServerSession): Envelope {
  const { mailFrom, rcptTo } = session.envelope;
  return { sender: mailFrom ? mailFrom.address : '', recipients: rcptTo.map(({ address }) => address) };
}

function asError(reply: Reply | null): Error | null {
  return reply && Object.assign(new Error(reply.text), { responseCode: reply.code });
}

function asResult(reply: Reply): string | Error {
  return asError(reply.code < 300 ? null : reply) ?? reply.text;
}
