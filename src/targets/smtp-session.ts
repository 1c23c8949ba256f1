// One conversation with one far end, over nodemailer's SMTPConnection: greeting, EHLO or LHLO, TLS, AUTH, then one transaction after the
// other. It must never sum up: it hands back the far end's replies as they came, and smtp-outcomes.ts decides. Opened by the SMTP target
// through its pool.
//
// Nodemailer drives, but its result is not used. When DATA or the final dot is refused its error forgets which recipients RCPT refused
// for good, and when an LMTP server hangs up half-way it forgets who accepted. So the replies are read here, from the same socket.
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { TargetCredentials } from './parse-target-url.ts';
import { dataReplyIndex } from './smtp-outcomes.ts';
import { asReply } from './reply-text.ts';
import { meaningOf, ReplyReader } from './smtp-reply.ts';
import { type ReleasedContent, streamOf } from './released-content.ts';

export interface SessionOptions {
  protocol: 'smtp' | 'smtps' | 'lmtp';
  /** Name or address for TLS; the socket is connected already. */
  host: string;
  heloName: string;
  timeouts: { greetingMs: number; replyMs: number };
  /** False: go on unencrypted although STARTTLS is offered. */
  startTls: boolean;
  /** Whether the certificate must prove the host's name. */
  verify: boolean;
  ca?: ConnectionOptions['ca'];
  credentials?: TargetCredentials;
  /** Whether credentials may go over a connection without TLS: only on this machine. */
  plainAuth: boolean;
}

/** The conversation failed before it could take a message. */
export class SessionFailure extends Error {
  /** What the far end said, if it said something; else our words. */
  readonly reply: string;
  /** The TLS handshake or the STARTTLS command failed, not the far end as such. */
  readonly tlsFailed: boolean;
  /** The far end refused with 5yz, and not because of our password. */
  readonly permanent: boolean;

  constructor(
    reply: string,
    { tlsFailed = false, permanent = false }: { tlsFailed?: boolean; permanent?: boolean } = {},
  ) {
    super(reply);
    this.name = 'SessionFailure';
    this.reply = asReply(reply);
    this.tlsFailed = tlsFailed;
    this.permanent = permanent;
  }
}

export interface TransactionResult {
  replies: string[];
  /** Our words for why no more replies came; empty when the transaction ran to its end. */
  lost: string;
}

/** How long a far end may take to answer QUIT before the connection is cut. */
const quitMs = 1_000;
/** No honest reply is longer; nodemailer cuts the connection beyond it. */
const maxReplyBytes = 64 * 1024;

export class SmtpSession {
  readonly #connection: SMTPConnection;
  readonly #options: SessionOptions;
  readonly #replies = new ReplyReader();
  readonly #ended: Promise<void>;
  /** Of the running transaction; null between two. */
  #collect: ((reply: string) => void) | null = null;
  #alive = true;
  #quitting = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #onIdleEnd: (() => void) | null = null;
  #failure: Error | null = null;
  #extensions = new Map<string, string>();

  /** Takes over a connected socket, and closes it when it fails. @throws SessionFailure */
  static async open(socket: Socket, options: SessionOptions, signal: AbortSignal): Promise<SmtpSession> {
    const session = new SmtpSession(socket, options);
    try {
      await session.#handshake(signal);
      if (options.credentials) await session.#login(options.credentials, signal);
    } catch (error) {
      session.destroy();
      throw error;
    }
    session.#watchReplies();
    return session;
  }

  private constructor(socket: Socket, options: SessionOptions) {
    this.#options = options;
    this.#connection = new SMTPConnection({
      connection: socket,
      host: options.host,
      secure: options.protocol === 'smtps',
      ignoreTLS: !options.startTls,
      name: options.heloName,
      lmtp: options.protocol === 'lmtp',
      tls: { rejectUnauthorized: options.verify, ...(options.ca !== undefined && { ca: options.ca }) },
      greetingTimeout: options.timeouts.greetingMs,
      // Covers greeting and STARTTLS together; nodemailer gives STARTTLS what the greeting left of it.
      connectionTimeout: options.timeouts.greetingMs * 2,
      socketTimeout: options.timeouts.replyMs,
      socketCloseTimeout: 0,
      maxResponseSize: maxReplyBytes,
      logger: false,
    });
    // Without a listener an 'error' event would end the process.
    this.#connection.on('error', (error: Error) => (this.#failure ??= error));
    this.#ended = new Promise((resolve) => {
      this.#connection.once('end', () => {
        this.#alive = false;
        clearTimeout(this.#idleTimer);
        this.#onIdleEnd?.();
        resolve();
      });
    });
  }

  /** Whether another transaction may begin: the far end is there, and has not spoken out of turn. */
  get usable(): boolean {
    return this.#alive && !this.#quitting && !this.#replies.unfinished;
  }

  /** Parameter of an extension that the far end announced (SIZE's number, for example); undefined when it did not. */
  extension(name: string): string | undefined {
    return this.#extensions.get(name);
  }

  /** Resolves when the connection is gone, from whichever side. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /**
   * One mail transaction. Never rejects; resolves when the far end has answered everything or can answer no more. Aborting cuts the
   * connection, and so does `mayStillSend`, asked when the far end is ready for the message. The session is `usable` afterwards only if
   * the message was accepted by somebody and nothing was lost.
   */
  transact(
    envelope: { sender: string; recipients: readonly string[] },
    released: ReleasedContent,
    { signal, mayStillSend }: { signal: AbortSignal; mayStillSend?(this: void): boolean },
  ): Promise<TransactionResult> {
    const replies: string[] = [];
    const dataIndex = dataReplyIndex(envelope.recipients.length);
    const message = streamOf(released);
    // Runs before nodemailer sees the reply.
    this.#collect = (reply) => {
      // What was said before the final dot can confirm no message, whatever it says; nothing more is believed then.
      if (replies.length > dataIndex && !message.readableEnded && meaningOf(reply) === 'accepted')
        return this.destroy();
      // RFC 5321 section 4.1.1.4: only 354 asks for the message. Nodemailer would send it after a 250 too, and if replies and commands
      // were out of step, the next 250 would pass for a confirmation.
      if (replies.length === dataIndex && !/^[345]/.test(reply)) this.destroy();
      if (replies.length === dataIndex && mayStillSend?.() === false) this.destroy();
      replies.push(reply);
    };
    return new Promise((resolve) => {
      let settled = false;
      const settle = (error: Error | null): void => {
        if (settled) return;
        settled = true;
        signal.removeEventListener('abort', onAbort);
        this.#collect = null;
        // After a refusal nodemailer's session is fine and could be reset; a new connection is simpler to be sure of.
        if (error) this.destroy();
        resolve({ replies, lost: error ? this.#lostWords(error, signal) : '' });
      };
      const onAbort = (): void => this.destroy();
      signal.addEventListener('abort', onAbort, { once: true });
      // Nodemailer does not call back when the connection is closed from our side.
      void this.#ended.then(() => settle(this.#failure ?? new Error('the connection was closed')));
      if (signal.aborted || !this.usable) return this.destroy();
      this.#connection.send(
        {
          from: envelope.sender,
          to: [...envelope.recipients],
          size: released.sizeBytes,
          use8BitMime: released.eightBit,
        },
        message,
        (error) => settle(error),
      );
    });
  }

  /** Between two messages: says goodbye after `ms`. `onEnd` is called once the connection is gone, whoever ended it. */
  startIdling(ms: number, onEnd: () => void): void {
    this.#idleTimer = setTimeout(() => void this.quit(), ms);
    this.#onIdleEnd = onEnd;
  }

  /** Another message is to be sent: `onEnd` is not called any more. */
  stopIdling(): void {
    clearTimeout(this.#idleTimer);
    this.#onIdleEnd = null;
  }

  /** Says goodbye and resolves when the connection is gone; a far end that does not answer is cut off. */
  async quit(): Promise<void> {
    if (this.#alive && !this.#quitting) {
      this.#quitting = true;
      const timer = setTimeout(() => this.destroy(), quitMs);
      void this.#ended.then(() => clearTimeout(timer));
      this.#connection.quit();
    }
    await this.#ended;
  }

  /** Cuts the connection at once. May be called at any time. */
  destroy(): void {
    this.#connection.close();
  }

  async #handshake(signal: AbortSignal): Promise<void> {
    await this.#step(signal, (done) => this.#connection.connect((error) => done(error ?? null)));
    // The last thing that was read is the reply to EHLO, LHLO or HELO: the one after TLS, where there is TLS.
    const [, ...lines] = String(this.#connection.lastServerResponse || '').split('\n');
    for (const line of lines) {
      const [keyword = '', parameter = ''] = line
        .replace(/^\d+[ -]/, '')
        .trim()
        .split(/[\s=]+/);
      this.#extensions.set(keyword.toUpperCase(), parameter);
    }
  }

  async #login({ user, password }: TargetCredentials, signal: AbortSignal): Promise<void> {
    if (!this.#connection.secure && !this.#options.plainAuth) {
      throw new SessionFailure('the server offers no TLS, and a password is not sent without it');
    }
    if (!this.#extensions.has('AUTH'))
      throw new SessionFailure('the server offers no AUTH, but a user name is configured');
    try {
      await this.#step(signal, (done) => this.#connection.login({ user, pass: password }, (error) => done(error)));
    } catch (error) {
      // The far end's text is not repeated: some echo what they were sent. It is our password that is wrong, not the message: temporary.
      const code = error instanceof SessionFailure ? /^\d{3}(?: \d\.\d+\.\d+)?/.exec(error.reply)?.[0] : undefined;
      if (code === undefined) throw error;
      throw new SessionFailure(`the server refused our user name or password (${code})`);
    }
  }

  /** Runs one nodemailer step; it may end by its callback, by an error event, by the connection's end, or by the signal. */
  async #step(signal: AbortSignal, run: (done: (error: Error | null) => void) => void): Promise<void> {
    const onAbort = (): void => this.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        void this.#ended.then(() => reject(this.#failure ?? new Error('the connection was closed')));
        run((error) => (error ? reject(error) : resolve()));
        if (signal.aborted) this.destroy();
      });
    } catch (error) {
      throw this.#sessionFailure(error, signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #sessionFailure(error: unknown, signal: AbortSignal): SessionFailure {
    const { code, command, response } = detailsOf(error);
    const tlsFailed =
      !signal.aborted && (code === 'ETLS' || command === 'STARTTLS' || this.#connection.upgrading === true);
    if (response !== '' && !signal.aborted) {
      return new SessionFailure(response, {
        tlsFailed,
        permanent: meaningOf(response) === 'permanent' && !command.startsWith('AUTH'),
      });
    }
    return new SessionFailure(this.#lostWords(error, signal), { tlsFailed });
  }

  #lostWords(error: unknown, signal: AbortSignal): string {
    if (signal.aborted) return 'the attempt was stopped before the server had answered';
    const { code, originalCode, message } = detailsOf(error);
    if (code === 'ETIMEDOUT') return 'the server did not answer in time';
    if (code === 'ECONNECTION') return 'the server closed the connection';
    if (/CERT|SIGNED|ISSUER/.test(originalCode)) return `the server's certificate is not trusted (${originalCode})`;
    if (originalCode === 'ECONNRESET' || originalCode === 'EPIPE')
      return `the server broke the connection (${originalCode})`;
    return originalCode ? `the connection failed (${originalCode})` : message;
  }

  /** From here on every reply is ours to read, before nodemailer acts on it. STARTTLS is done, so this is the last socket. */
  #watchReplies(): void {
    const socket = this.#connection._socket;
    if (!socket) return;
    socket.prependListener('data', (chunk: Buffer) => {
      for (const reply of this.#replies.push(chunk)) this.#collect?.(reply);
    });
  }
}

function detailsOf(error: unknown): {
  code: string;
  originalCode: string;
  command: string;
  response: string;
  message: string;
} {
  const text = (name: string): string => {
    const value: unknown = error instanceof Error ? Reflect.get(error, name) : undefined;
    return typeof value === 'string' ? value : '';
  };
  return {
    code: text('code'),
    originalCode: text('originalCode'),
    command: text('command'),
    response: text('response'),
    message: text('message') || 'the connection failed',
  };
}
