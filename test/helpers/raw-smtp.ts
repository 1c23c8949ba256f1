// An SMTP and LMTP client for tests where bytes matter: sends exactly what it is told and reads replies, nothing more. Strings hold one
// byte per character. Has no deadlines of its own: node:test's timeout is the only one. When the server closes the connection, whoever
// waits for a reply gets an error.
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export interface RawSmtpOptions {
  /** Sent first of all: what a balancer puts in front of a connection. */
  preface?: Buffer;
  /** Where the client comes from. */
  localAddress?: string;
}

export class RawSmtp {
  /** Lines of the 220 (or whatever came first). */
  greeting = '';
  #socket: Socket;
  #received = '';
  #wake: () => void = () => undefined;
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  /** Resolves when the greeting was read. */
  static async connect(port: number, { preface, ...from }: RawSmtpOptions = {}): Promise<RawSmtp> {
    const socket = connectTcp({ port, host: '127.0.0.1', ...from });
    await once(socket, 'connect');
    if (preface) socket.write(preface);
    const client = new RawSmtp(socket);
    client.greeting = await client.reply();
    return client;
  }

  /** Connects and says hello. */
  static async greet(port: number, hello: string): Promise<RawSmtp> {
    const client = await RawSmtp.connect(port);
    const reply = await client.command(hello);
    if (!reply.startsWith('250')) throw new Error(`${hello} was answered with ${reply}`);
    return client;
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** What came and was not asked for yet. */
  get unread(): string {
    return this.#received;
  }

  write(text: string | Buffer): void {
    if (this.#socket.writable) this.#socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** Sends a line and reads its reply. */
  async command(line: string | Buffer): Promise<string> {
    this.write(Buffer.concat([typeof line === 'string' ? Buffer.from(line, 'latin1') : line, Buffer.from('\r\n')]));
    return this.reply();
  }

  /** Several commands at once; their replies in order. */
  async pipeline(...lines: string[]): Promise<string[]> {
    this.write(lines.map((line) => `${line}\r\n`).join(''));
    const replies: string[] = [];
    for (let i = 0; i < lines.length; i++) replies.push(await this.reply());
    return replies;
  }

  /** One whole reply without its last line end; the lines of a longer one are joined by LF. */
  async reply(): Promise<string> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#line();
      lines.push(line);
      if (line[3] !== '-') return lines.join('\n');
    }
  }

  /** DATA, the message with its dots stuffed, the final dot; the replies to it. */
  async data(message: string | Buffer, replies = 1): Promise<string[]> {
    const go = await this.command('DATA');
    if (!go.startsWith('354')) return [go];
    this.write(stuffed(message));
    const answers: string[] = [];
    for (let i = 0; i < replies; i++) answers.push(await this.reply());
    return answers;
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#more();
  }

  /** Only after a 220 to STARTTLS. */
  async startTls(): Promise<TLSSocket> {
    const plain = this.#socket;
    plain.removeAllListeners();
    const socket = connectTls({ socket: plain, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    this.#socket = socket;
    this.#listen(socket);
    return socket;
  }

  /** Says goodbye where it still can, and lets go. */
  async quit(): Promise<void> {
    if (!this.#isClosed) this.write('QUIT\r\n');
    await this.closed();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('error', () => undefined);
    const onEnd = (): void => {
      this.#isClosed = true;
      this.#wake();
    };
    socket.once('end', onEnd).once('close', onEnd);
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 2);
        return line;
      }
      if (this.#isClosed)
        throw new Error(`the server closed the connection; unread: ${JSON.stringify(this.#received)}`);
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** As RFC 5321 section 4.5.2 has a client do it, with the final dot: only CRLF ends a line. */
export function stuffed(message: string | Buffer): Buffer {
  const text = typeof message === 'string' ? message : message.toString('latin1');
  const dotted = text.replace(/(^|\r\n)\./g, '$1..');
  const end = dotted === '' || dotted.endsWith('\r\n') ? '.\r\n' : '\r\n.\r\n';
  return Buffer.from(dotted + end, 'latin1');
}
