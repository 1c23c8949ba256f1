// Mozilla's remote control (Marionette, protocol 3): length-prefixed JSON over TCP. Runs scripts with the rights of the program's own windows
// and answers what they return. Knows nothing of mail. Called by program.ts.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

const scriptTimeoutMs = 60_000;
/** Longer than that only when something is in its way that nobody is going to press OK in. */
const answerTimeoutMs = 120_000;

export class Marionette {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #buffer = Buffer.alloc(0);
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // "close" follows.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the program ended or hung up'));
      this.#waiting.clear();
    });
  }

  static async connect(port: number): Promise<Marionette> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const client = new Marionette(socket);
    await client.#send('WebDriver:NewSession', { timeouts: { script: scriptTimeoutMs } });
    await client.#send('Marionette:SetContext', { value: 'chrome' });
    return client;
  }

  /**
   * `body` is that of an async function and finds the parameters in `given`. Answers what it returns, as JSON would carry it.
   * Rejects when it throws, and when a dialog box comes up that waits for the person.
   */
  async run(body: string, parameters: readonly unknown[]): Promise<unknown> {
    const answer = await this.#execute(body, parameters);
    if (!answer) throw new Error(`a dialog box says: ${await this.#dialogText()}`);
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value;
  }

  /** For what makes a dialog box ask the person something: presses OK in it. Answers its text. `body` need not end. */
  async runAndConfirm(body: string, parameters: readonly unknown[]): Promise<string> {
    const answer = await this.#execute(body, parameters);
    if (answer) throw new Error(answer.error ?? 'there was no dialog box');
    const text = await this.#dialogText();
    await this.#send('WebDriver:AcceptAlert', {});
    return text;
  }

  /** Null when a dialog box came up meanwhile: then nobody waits for the script any more. */
  async #execute(body: string, parameters: readonly unknown[]): Promise<{ value?: unknown; error?: string } | null> {
    const script = `const [given, done] = arguments;
      (async () => { ${body} })().then(
        (value) => done({ value }),
        (error) => done({ error: String(error) + '\\n' + (error?.stack ?? '') }),
      );`;
    const result = await this.#send('WebDriver:ExecuteAsyncScript', { script, args: [parameters] });
    return (result as { value: { value?: unknown; error?: string } | null }).value;
  }

  async #dialogText(): Promise<string> {
    return ((await this.#send('WebDriver:GetAlertText', {})) as { value: string }).value;
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(command: string, parameters: object): Promise<unknown> {
    if (this.#socket.destroyed) return Promise.reject(new Error('the program ended or hung up'));
    const id = ++this.#lastId;
    const text = Buffer.from(JSON.stringify([0, id, command, parameters]));
    this.#socket.write(Buffer.concat([Buffer.from(`${text.length}:`), text]));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    const late = setTimeout(() => reject(new Error(`no answer to ${command}`)), answerTimeoutMs);
    return promise.finally(() => clearTimeout(late));
  }

  #receive(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const colon = this.#buffer.indexOf(':');
      if (colon < 0) return;
      const end = colon + 1 + Number(this.#buffer.toString('latin1', 0, colon));
      if (this.#buffer.length < end) return;
      this.#answered(JSON.parse(this.#buffer.toString('utf8', colon + 1, end)));
      this.#buffer = this.#buffer.subarray(end);
    }
  }

  #answered(message: unknown): void {
    // The greeting is no list.
    if (!Array.isArray(message)) return;
    const [, id, error, result] = message as [number, number, { error: string; message: string } | null, unknown];
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new Error(`${error.error}: ${error.message}`));
    else waiting?.resolve(result);
  }
}
