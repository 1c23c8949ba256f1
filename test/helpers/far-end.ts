// A scripted far end: a real SMTP or LMTP listener whose answers are listed per attempt, and which keeps what it received to the byte.
// No mock: everything goes over a real socket, so that silence, resets and half answers are what they would be. It is written on bare
// sockets because a proper server library would hide the raw lines and refuse to misbehave.
//
//   const farEnd = await startFarEnd({ script: [{ rcpt: { 'bob@example.com': '450 4.2.1 later' } }, {}] });
//   … deliver to farEnd.url …
//   const { sender, recipients, content } = await farEnd.nextReceived();
//   await farEnd.close();
//
// `script` has one step per attempt. A connection takes the next step when it is made, and one more for each further transaction on the
// same connection. What a step does not mention is accepted; when the script is used up, everything is.
import { createServer as createNetServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { farEndCertificate, farEndKey } from './far-end-certificate.ts';

/**
 * A reply line ('450 4.2.1 later'; several lines joined by CRLF), or a misbehaviour: `silence` never answers again on this connection,
 * `drop` closes it without an answer, `reset` closes it with a TCP reset, `unfinished 250 ok` closes it after a reply without its line
 * end. A function is asked at the time, and may make it wait.
 */
export type Answer = string | (() => string | Promise<string>);

export interface Step {
  greeting?: Answer;
  /** For EHLO and LHLO, also the one after STARTTLS. HELO is always accepted, unless `helo` says otherwise. */
  ehlo?: Answer;
  helo?: Answer;
  starttls?: Answer;
  /** Said in the place of the TLS handshake that STARTTLS begins, so that it fails. */
  handshake?: Answer;
  auth?: Answer;
  mail?: Answer;
  /** One answer for all, or one per address as it stood between < and >. */
  rcpt?: Answer | Record<string, Answer>;
  data?: Answer;
  /** After the final dot; the bytes are kept whatever is answered. Per address for LMTP, where each recipient has its own answer. */
  end?: Answer | Record<string, Answer>;
  quit?: Answer;
}

/** A transaction that came as far as its final dot, whatever was answered to it. */
export interface Received {
  /** Whether it came over TLS. */
  tls: boolean;
  /** The name given with EHLO, LHLO or HELO. */
  heloName: string;
  /** The lines exactly as sent, without CRLF. */
  mailLine: string;
  rcptLines: string[];
  /** What stood between < and >. */
  sender: string;
  /** Those whose RCPT was answered with 2yz. */
  recipients: string[];
  /** The message as it would be stored: dots unstuffed, everything before the line with the final dot. */
  content: Buffer;
  /** What was answered after the final dot: one entry, over LMTP one per recipient; missing ones were never answered. */
  answers: string[];
}

export interface FarEndOptions {
  protocol?: 'smtp' | 'lmtp';
  script?: Step[];
  /** `starttls` offers it, `implicit` is smtps://. The certificate is self-signed (far-end-certificate.ts). */
  tls?: 'none' | 'starttls' | 'implicit';
  /** What EHLO announces, besides STARTTLS. */
  extensions?: string[];
  /** A certain port, to come back after close(); else a free one. */
  port?: number;
  /** Another loopback address than 127.0.0.1, to be several hosts on one port. */
  address?: string;
  /** Listens on a Unix socket instead. */
  path?: string;
}

export interface FarEnd {
  port: number;
  /** For `deliverTo`. */
  url: string;
  received: Received[];
  /** The next one that was not handed out yet, waiting for it if need be; rejects when the far end is closed meanwhile. */
  nextReceived(): Promise<Received>;
  /** The lines of each connection, without message contents, in the order of connecting: `sessions[0].lines`. */
  sessions: { lines: string[]; tls: boolean; ended: Promise<void> }[];
  /** Cuts every connection; resolves when nothing is left open. */
  close(): Promise<void>;
}

export const defaultExtensions = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 104857600', 'ENHANCEDSTATUSCODES'];

export async function startFarEnd(options: FarEndOptions = {}): Promise<FarEnd> {
  const { protocol = 'smtp', tls = 'none', path, address: listenAddress = '127.0.0.1' } = options;
  const sockets = new Set<Socket>();
  const steps = (options.script ?? []).values();
  const waiting: { resolve: (received: Received) => void; reject: (error: Error) => void }[] = [];
  let handedOut = 0;
  const farEnd: Omit<FarEnd, 'port' | 'url'> = {
    received: [],
    sessions: [],
    nextReceived: () =>
      new Promise((resolve, reject) => {
        const known = farEnd.received[handedOut];
        handedOut += 1;
        if (known) resolve(known);
        else waiting.push({ resolve, reject });
      }),
    close: () => {
      for (const { reject } of waiting.splice(0)) reject(new Error('the far end was closed and received nothing more'));
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  };
  const onReceived = (received: Received): void => {
    farEnd.received.push(received);
    waiting.shift()?.resolve(received);
  };
  const onConnection = (socket: Socket): void => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const session = { lines: [], tls: tls === 'implicit', ended };
    farEnd.sessions.push(session);
    socket.once('close', () => resolve());
    void new Conversation(socket, session, () => steps.next().value ?? {}, onReceived, {
      protocol,
      offerTls: tls === 'starttls',
      extensions: options.extensions ?? defaultExtensions,
    }).run();
  };
  const server: Server =
    tls === 'implicit'
      ? createTlsServer({ cert: farEndCertificate, key: farEndKey }, onConnection)
      : createNetServer(onConnection);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    // Replies leave at once; held back, each one would cost the tests 40 ms.
    socket.setNoDelay(true);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    if (path === undefined) server.listen(options.port ?? 0, listenAddress, resolve);
    else server.listen(path, resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const scheme = tls === 'implicit' ? 'smtps' : protocol;
  return Object.assign(farEnd, {
    port,
    url: path === undefined ? `${scheme}://${listenAddress}:${port}` : `lmtp:${path}`,
  });
}

interface ConversationOptions {
  protocol: 'smtp' | 'lmtp';
  offerTls: boolean;
  extensions: string[];
}

/** What ends a conversation early. */
class Over extends Error {}

/** One connection, read as plainly as the protocol allows: one line, one answer. */
class Conversation {
  #socket: Socket;
  #input: AsyncIterator<Buffer>;
  #buffer = Buffer.alloc(0);
  #step: Step;
  #fresh = true;
  #heloName = '';
  #mailLine = '';
  #rcptLines: string[] = [];
  #recipients: string[] = [];
  readonly #session: { lines: string[]; tls: boolean };
  readonly #nextStep: () => Step;
  readonly #onReceived: (received: Received) => void;
  readonly #options: ConversationOptions;

  constructor(
    socket: Socket,
    session: { lines: string[]; tls: boolean },
    nextStep: () => Step,
    onReceived: (received: Received) => void,
    options: ConversationOptions,
  ) {
    this.#socket = socket;
    this.#input = bytesOf(socket);
    this.#session = session;
    this.#nextStep = nextStep;
    this.#step = nextStep();
    this.#onReceived = onReceived;
    this.#options = options;
  }

  async run(): Promise<void> {
    try {
      await this.#say(this.#step.greeting ?? `220 far-end.example.test ready`);
      for (;;) await this.#command(await this.#line());
    } catch (error) {
      // The other side hung up, or the script made us. Reads on, so that the end of the other side is noticed.
      if (!(error instanceof Over)) throw error;
      this.#socket.resume();
    }
  }

  async #command(line: string): Promise<void> {
    this.#session.lines.push(line);
    const verb = (/^[a-z]+/i.exec(line)?.[0] ?? '').toUpperCase();
    switch (verb) {
      case 'EHLO':
      case 'LHLO':
        if ((verb === 'LHLO') !== (this.#options.protocol === 'lmtp'))
          return void (await this.#say('500 5.5.1 wrong protocol'));
        this.#heloName = line.slice(5);
        return void (await this.#say(this.#step.ehlo ?? this.#greetingLines()));
      case 'HELO':
        this.#heloName = line.slice(5);
        return void (await this.#say(this.#step.helo ?? '250 far-end.example.test'));
      case 'STARTTLS':
        return this.#startTls();
      case 'AUTH':
        return void (await this.#say(this.#step.auth ?? '235 2.7.0 welcome'));
      case 'MAIL':
        return this.#mail(line);
      case 'RCPT':
        return this.#rcpt(line);
      case 'DATA':
        return this.#data();
      case 'RSET':
        this.#mailLine = '';
        return void (await this.#say('250 2.0.0 reset'));
      case 'QUIT':
        await this.#say(this.#step.quit ?? '221 2.0.0 goodbye');
        this.#socket.end();
        throw new Over();
      default:
        await this.#say('500 5.5.2 what?');
    }
  }

  #greetingLines(): string {
    const offered = this.#options.offerTls && !this.#session.tls ? ['STARTTLS'] : [];
    const lines = ['far-end.example.test', ...offered, ...this.#options.extensions];
    return lines.map((text, index) => `250${index === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n');
  }

  async #startTls(): Promise<void> {
    if (!(await this.#say(this.#step.starttls ?? '220 2.0.0 go ahead'))) return;
    if (this.#step.handshake !== undefined) {
      await this.#chunk();
      this.#buffer = Buffer.alloc(0);
      return void (await this.#answered(this.#step.handshake));
    }
    const plain = this.#socket;
    await this.#input.return?.();
    this.#socket = new TLSSocket(plain, { isServer: true, cert: farEndCertificate, key: farEndKey });
    this.#socket.on('error', () => plain.destroy());
    this.#input = bytesOf(this.#socket);
    this.#session.tls = true;
  }

  async #mail(line: string): Promise<void> {
    if (!this.#fresh) this.#step = this.#nextStep();
    this.#fresh = false;
    this.#mailLine = '';
    this.#rcptLines = [];
    this.#recipients = [];
    if (await this.#say(this.#step.mail ?? '250 2.1.0 sender ok')) this.#mailLine = line;
  }

  async #rcpt(line: string): Promise<void> {
    const address = pathOf(line);
    this.#rcptLines.push(line);
    if (!this.#mailLine) return void (await this.#say('503 5.5.1 MAIL first'));
    if (await this.#say(answerFor(this.#step.rcpt, address) ?? '250 2.1.5 recipient ok'))
      this.#recipients.push(address);
  }

  async #data(): Promise<void> {
    if (!this.#recipients.length) return void (await this.#say('554 5.5.1 no valid recipients'));
    const answer = await this.#answered(this.#step.data ?? '354 go ahead');
    if (!answer.startsWith('354')) return;
    const content = await this.#message();
    const received: Received = {
      tls: this.#session.tls,
      heloName: this.#heloName,
      mailLine: this.#mailLine,
      rcptLines: this.#rcptLines,
      sender: pathOf(this.#mailLine),
      recipients: this.#recipients,
      content,
      answers: [],
    };
    // Known before it is answered, so that a test may kill the other side in between.
    this.#onReceived(received);
    const each = this.#options.protocol === 'lmtp' ? this.#recipients : [''];
    for (const address of each) {
      const text = await this.#answered(answerFor(this.#step.end, address) ?? '250 2.0.0 accepted');
      received.answers.push(text);
    }
    this.#mailLine = '';
    this.#recipients = [];
  }

  /** Answers; true when that was 2yz. */
  async #say(answer: Answer): Promise<boolean> {
    return (await this.#answered(answer)).startsWith('2');
  }

  async #answered(answer: Answer): Promise<string> {
    const text = typeof answer === 'function' ? await answer() : answer;
    if (text === 'silence') {
      // Reads on, so that the other side is never held up by a full buffer.
      for (;;) {
        await this.#chunk();
        this.#buffer = Buffer.alloc(0);
      }
    }
    const [, unfinished] = /^unfinished (.*)$/.exec(text) ?? [];
    if (text === 'drop' || text === 'reset' || unfinished !== undefined) {
      if (unfinished !== undefined) this.#socket.end(unfinished);
      else if (text === 'drop') this.#socket.end();
      else if (this.#socket instanceof TLSSocket) this.#socket.destroy();
      else this.#socket.resetAndDestroy();
      throw new Over();
    }
    if (!this.#socket.destroyed) this.#socket.write(`${text}\r\n`);
    return text;
  }

  async #line(): Promise<string> {
    let end = this.#buffer.indexOf('\r\n');
    for (; end < 0; end = this.#buffer.indexOf('\r\n')) await this.#chunk();
    const line = this.#buffer.toString('utf8', 0, end);
    this.#buffer = this.#buffer.subarray(end + 2);
    return line;
  }

  // RFC 5321 section 4.5.2: only CRLF ends a line here, so that a client which lets a bare LF through is found out.
  async #message(): Promise<Buffer> {
    const chunks = [Buffer.from('\r\n'), this.#buffer];
    this.#buffer = Buffer.alloc(0);
    // Only the tail is searched each time: the end mark may be cut in two by the network.
    for (let tail = Buffer.concat(chunks); !tail.includes('\r\n.\r\n');) {
      const before = chunks.length;
      await this.#chunk();
      chunks.push(this.#buffer);
      this.#buffer = Buffer.alloc(0);
      tail = Buffer.concat([tail.subarray(-4), ...chunks.slice(before)]);
    }
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n.\r\n');
    this.#buffer = all.subarray(end + 5);
    const stuffed = all.subarray(2, end + 2).toString('latin1');
    return Buffer.from(stuffed.replace(/(^|\r\n)\./g, '$1'), 'latin1');
  }

  async #chunk(): Promise<void> {
    const next = await this.#input.next();
    if (next.done) throw new Over();
    this.#buffer = Buffer.concat([this.#buffer, next.value]);
  }
}

/** The bytes of a socket in chunks; ends when it ends, is reset or is destroyed. Giving it up leaves the socket open. */
async function* bytesOf(socket: Socket): AsyncGenerator<Buffer> {
  try {
    yield* socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch {
    return;
  }
}

function pathOf(line: string): string {
  return /<(.*)>/.exec(line)?.[1] ?? '';
}

function answerFor(answers: Answer | Record<string, Answer> | undefined, address: string): Answer | undefined {
  return typeof answers === 'object' ? answers[address] : answers;
}
