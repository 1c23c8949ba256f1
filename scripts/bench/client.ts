// A mail program that costs as little as possible: sends a command and counts what comes until its tagged answer, without reading it. For
// large answers; what has to be understood is short and comes back as text. Called by all parts.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Answer {
  bytes: number;
  /** From the command's last byte to the answer's. */
  ms: number;
  /** The whole answer when it is short, else its end. One character per byte. */
  text: string;
}

export interface ReadOptions {
  /** Reads no faster than this. */
  bytesPerSecond?: number;
  /** Keeps the whole answer as text, also a long one. */
  keepText?: boolean;
}

const keptBytes = 4096;

export class Client {
  readonly #socket: Socket;
  #onData: (chunk: Buffer) => void = () => undefined;
  #fail: (error: Error) => void = () => undefined;
  #nextTag = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  static async connect(port: number, tls = true): Promise<Client> {
    const plain = connectTcp({ port, host: '127.0.0.1', noDelay: true });
    await once(plain, 'connect');
    const socket = tls ? connectTls({ socket: plain, rejectUnauthorized: false }) : plain;
    if (tls) await once(socket, 'secureConnect');
    const client = new Client(socket);
    await client.#answer((text) => text.endsWith('\r\n'));
    return client;
  }

  /** Connects, logs in and opens a mailbox. */
  static async open(port: number, login: Login, mailbox: string, tls = true): Promise<Client> {
    const client = await Client.connect(port, tls);
    await client.command(`LOGIN ${login.name} "${login.password}"`);
    await client.command(`SELECT "${mailbox}"`);
    return client;
  }

  /** @throws when it is answered with anything but OK */
  async command(line: string, options: ReadOptions = {}): Promise<Answer> {
    // Nothing in a message looks like it.
    const tag = `bench${this.#nextTag++}x`;
    this.#socket.write(`${tag} ${line}\r\n`);
    const last = new RegExp(`(^|\r\n)${tag} (.*)\r\n$`);
    const answer = await this.#answer((text) => last.test(text), options);
    assert.match(last.exec(answer.text)?.[2] ?? '', /^OK/, line.slice(0, 100));
    return answer;
  }

  /** Begins IDLE; `heard` gets what comes, as it comes. */
  async idle(heard: (text: string) => void = () => undefined): Promise<void> {
    this.#socket.write('idle IDLE\r\n');
    await this.#answer((text) => text.startsWith('+') && text.endsWith('\r\n'));
    this.#onData = (chunk) => heard(chunk.toString('latin1'));
  }

  close(): void {
    this.#fail = () => undefined;
    this.#socket.destroy();
  }

  #answer(isWhole: (text: string) => boolean, options: ReadOptions = {}): Promise<Answer> {
    const { bytesPerSecond = Infinity, keepText = false } = options;
    const began = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    let bytes = 0;
    let text = '';
    const pieces: string[] = [];
    this.#fail = reject;
    this.#onData = (chunk) => {
      bytes += chunk.length;
      if (keepText) pieces.push(chunk.toString('latin1'));
      text = (text + chunk.toString('latin1', Math.max(chunk.length - keptBytes, 0))).slice(-keptBytes);
      if (text.endsWith('\r\n') && isWhole(text)) {
        this.#fail = () => undefined;
        resolve({ bytes, ms: performance.now() - began, text: keepText ? pieces.join('') : text });
        return;
      }
      const aheadMs = (bytes / bytesPerSecond) * 1000 - (performance.now() - began);
      if (aheadMs < 10) return;
      this.#socket.pause();
      setTimeout(() => this.#socket.resume(), aheadMs);
    };
    return promise;
  }
}

export interface Login {
  name: string;
  password: string;
}
