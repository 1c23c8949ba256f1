// An IMAP client for tests where bytes matter: sends exactly what it is told, reads responses whole (literals included) and never
// interprets more than tags. Strings hold one byte per character, both ways. Has no deadlines of its own: node:test's timeout is the only
// one. When the server closes the connection, whoever waits gets an error.
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

export interface RawImapOptions {
  /** `none` stays in clear until startTls is called. Default: implicit. */
  tls?: 'implicit' | 'starttls' | 'none';
  /** What is asked for by SNI, and the like. Certificates are not checked unless `rejectUnauthorized` is set. */
  tlsOptions?: ConnectionOptions;
  host?: string;
  /** Where the client comes from. */
  localAddress?: string;
  /** Sent first of all, before TLS: what a balancer puts in front of a connection. */
  preface?: Buffer;
}

export interface Reply {
  /** `OK`, `NO` or `BAD`. */
  status: string;
  /** What follows the status, for example `[NOPERM] Release cannot be read`. */
  text: string;
  /** The response code without brackets, '' when there is none. */
  code: string;
  /** Everything untagged before the tagged line, in order: `* 3 EXISTS`. Literals stand in it as `{n}` CRLF and their bytes. */
  untagged: string[];
}

export class RawImap {
  greeting = '';
  #socket: Socket;
  /** Below TLS; the same as #socket without it. */
  readonly #tcp: Socket;
  #chunks: Buffer[] = [];
  #closed = false;
  #wake: (() => void) | null = null;
  #nextTag = 1;
  readonly #onClosed = Promise.withResolvers<void>();

  private constructor(socket: Socket, tcp: Socket) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#listen(socket);
  }

  /** Resolves when the greeting has been read. */
  static async connect(port: number, options: RawImapOptions = {}): Promise<RawImap> {
    const { tls = 'implicit', tlsOptions = {}, host = '127.0.0.1', preface, localAddress } = options;
    const plain = connectTcp({ port, host, ...(localAddress === undefined ? {} : { localAddress }) });
    // Otherwise each command takes 40 ms.
    plain.setNoDelay(true);
    await once(plain, 'connect');
    if (preface !== undefined) plain.write(preface);
    const socket = tls === 'implicit' ? connectTls({ socket: plain, rejectUnauthorized: false, ...tlsOptions }) : plain;
    if (tls === 'implicit') await once(socket, 'secureConnect');
    const client = new RawImap(socket, plain);
    client.greeting = await client.read();
    if (tls === 'starttls') {
      await client.command('STARTTLS');
      await client.startTls(tlsOptions);
    }
    return client;
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Resolves when the server has closed the connection. */
  get closed(): Promise<void> {
    return this.#onClosed.promise;
  }

  /** Sends bytes as they are. */
  write(bytes: string | Buffer): void {
    if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1');
    else this.#socket.write(bytes);
  }

  /** One response without its CRLF: a line, or more where literals interrupt it. */
  async read(): Promise<string> {
    let response = '';
    for (;;) {
      const line = await this.#readLine();
      response += line;
      const literal = /\{(\d+)\}$/.exec(line);
      if (literal === null) return response;
      const bytes = await this.#readBytes(Number(literal[1]));
      response += `\r\n${bytes.toString('latin1')}`;
    }
  }

  /**
   * Sends a command and reads its answer. Buffers between the strings are sent as synchronising literals:
   * `command('APPEND Spam ', message)`.
   */
  async command(...parts: (string | Buffer)[]): Promise<Reply> {
    const tag = this.tag();
    const untagged: string[] = [];
    this.write(`${tag} `);
    for (const part of parts) {
      if (typeof part === 'string') {
        this.write(Buffer.from(part, 'utf8'));
        continue;
      }
      this.write(`{${part.length}}\r\n`);
      const answer = await this.#readUntil(
        untagged,
        (response) => response.startsWith('+') || response.startsWith(`${tag} `),
      );
      if (!answer.startsWith('+')) return toReply(tag, answer, untagged);
      this.write(part);
    }
    this.write('\r\n');
    return this.readReply(tag, untagged);
  }

  /** A tag for commands that are written by hand. */
  tag(): string {
    return `t${this.#nextTag++}`;
  }

  /** Reads up to the tagged answer of a command that was written by hand. */
  async readReply(tag: string, untagged: string[] = []): Promise<Reply> {
    const answer = await this.#readUntil(untagged, (response) => response.startsWith(`${tag} `));
    return toReply(tag, answer, untagged);
  }

  async login(username: string, password: string): Promise<Reply> {
    return this.command('LOGIN ', Buffer.from(username), ' ', Buffer.from(password));
  }

  /** Begins IDLE; responses are then read with `read`, until `done`. */
  async idle(): Promise<{ done: () => Promise<Reply> }> {
    const tag = this.tag();
    this.write(`${tag} IDLE\r\n`);
    const prompt = await this.read();
    if (!prompt.startsWith('+')) throw new Error(`IDLE was answered with ${prompt}`);
    return {
      done: () => {
        this.write('DONE\r\n');
        return this.readReply(tag);
      },
    };
  }

  /** The handshake after a STARTTLS that was answered OK. */
  async startTls(tlsOptions: ConnectionOptions = {}): Promise<TLSSocket> {
    this.#socket.removeAllListeners('data').removeAllListeners('close').removeAllListeners('end');
    const secured = connectTls({ socket: this.#socket, rejectUnauthorized: false, ...tlsOptions });
    this.#socket = secured;
    this.#chunks = [];
    await once(secured, 'secureConnect');
    this.#listen(secured);
    return secured;
  }

  /** Gives a response back: the next `read` answers it again. */
  unread(response: string): void {
    this.#chunks.unshift(Buffer.from(`${response}\r\n`, 'latin1'));
  }

  /** Breaks off with a TCP reset: what has not arrived on either side never does. */
  async reset(): Promise<void> {
    this.#tcp.resetAndDestroy();
    await this.closed;
  }

  /** Stops sending, as a client does that is done; what the server still says can be read. */
  end(): void {
    this.#socket.end();
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake?.();
    });
    // A reset counts as a close.
    socket.on('error', () => undefined);
    socket.on('end', () => this.#noteClosed());
    socket.on('close', () => {
      this.#noteClosed();
      this.#onClosed.resolve();
    });
  }

  #noteClosed(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async #readUntil(untagged: string[], wanted: (response: string) => boolean): Promise<string> {
    for (;;) {
      const response = await this.read();
      if (wanted(response)) return response;
      untagged.push(response);
    }
  }

  async #readLine(): Promise<string> {
    for (let at = 0; ; at++) {
      const chunk = this.#chunks[at];
      if (chunk === undefined) {
        at--;
        await this.#more();
        continue;
      }
      const newline = chunk.indexOf(0x0a);
      if (newline < 0) continue;
      const taken = this.#chunks.splice(0, at + 1, chunk.subarray(newline + 1));
      const line = Buffer.concat([...taken.slice(0, -1), chunk.subarray(0, newline)]).toString('latin1');
      return line.replace(/\r$/, '');
    }
  }

  async #readBytes(count: number): Promise<Buffer> {
    let have = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    for (let known = this.#chunks.length; have < count;) {
      await this.#more();
      for (; known < this.#chunks.length; known++) have += this.#chunks[known]?.length ?? 0;
    }
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(count)];
    return all.subarray(0, count);
  }

  async #more(): Promise<void> {
    if (this.#closed) throw new Error('the server closed the connection');
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
  }
}

function toReply(tag: string, answer: string, untagged: string[]): Reply {
  const [, status = '', text = ''] = /^(\S+) ?(.*)$/s.exec(answer.slice(tag.length + 1)) ?? [];
  return { status, text, code: /^\[([^\]]*)\]/.exec(text)?.[1] ?? '', untagged };
}
