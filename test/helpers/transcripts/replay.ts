// Plays a transcript to a running server: sends what the mail program sends, byte for byte, and compares every response. A response that is
// missing, different or too many ends the replay with an error that names the line, what was expected and what came. What was sent and
// received is deterministic, so nothing here waits for a time, except for a server that says nothing where something is expected.
import { setTimeout as sleep } from 'node:timers/promises';
import { RawImap } from '../raw-imap.ts';
import { password } from '../server.ts';
import type { TestServer } from '../server.ts';
import { checkOutcome } from './check-outcome.ts';
import { forbiddenIn, matchResponse, showExpected, showResponse } from './match-response.ts';
import { credential, placeholder } from './placeholders.ts';
import { bringMail, setStage } from './stage.ts';
import { TranscriptError } from './transcript.ts';
import type { ExpectedResponse, Step, Transcript } from './transcript.ts';

export interface ReplayOptions {
  /** How long a server may be silent where something is expected. */
  patienceMs?: number;
}

/** @throws TranscriptError at the first thing that is not as the transcript says */
export async function replayTranscript(transcript: Transcript, options: ReplayOptions = {}): Promise<void> {
  await using server = await setStage(transcript);
  const replay = new Replay(transcript, server, options.patienceMs ?? 30_000);
  try {
    await replay.run();
    await server.server.worker?.idle();
    await checkOutcome(transcript, server);
  } finally {
    await replay.close();
  }
}

/** One connection of the mail program. */
interface Session {
  client: RawImap;
  /** Commands without an answer yet, by their tags. */
  open: Map<string, { line: number; isIdle: boolean }>;
  /** The server has just asked for more: what is sent next is no command. */
  isContinuing: boolean;
  isLoggingOut: boolean;
}

class Replay {
  readonly #transcript: Transcript;
  readonly #server: TestServer;
  readonly #patienceMs: number;
  readonly #sessions = new Map<number, Session>();
  #bound = new Map<string, string>();

  constructor(transcript: Transcript, server: TestServer, patienceMs: number) {
    this.#transcript = transcript;
    this.#server = server;
    this.#patienceMs = patienceMs;
  }

  async run(): Promise<void> {
    const { steps } = this.#transcript;
    for (const [index, step] of steps.entries()) await this.#play(step, steps, index);
    for (const [number, session] of this.#sessions) await this.#end(number, session);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions.values()].map(({ client }) => client.close()));
  }

  async #play(step: Step, steps: readonly Step[], index: number): Promise<void> {
    switch (step.kind) {
      case 'connect':
        return this.#connect(step);
      case 'arrive':
        return bringMail(this.#server, { path: this.#transcript.path, given: this.#transcript.given, mail: step.mail });
      case 'settle':
        return this.#server.server.worker?.idle();
      case 'start TLS':
        await this.#session(step).client.startTls();
        return;
      case 'leave':
        return this.#leave(step);
      case 'server leaves':
        return this.#expectClosed(step, this.#session(step));
      case 'send line':
        return this.#sendLine(step);
      case 'send literal':
        this.#session(step).client.write(Buffer.concat([step.bytes, Buffer.from('\r\n')]));
        return;
      case 'send part':
        return this.#sendPart(step);
      case 'expect':
        return this.#expect(step, step.response);
      case 'expect in any order':
        return this.#expectInAnyOrder(step);
      case 'expect anything':
        return this.#skip(
          step,
          steps.slice(index + 1).find(({ connection }) => connection === step.connection),
        );
    }
  }

  async #connect({ line, connection, tls, logInAs }: Extract<Step, { kind: 'connect' }>): Promise<void> {
    if (this.#sessions.has(connection)) throw this.#error(line, `connection ${connection} is there already`);
    const port = this.#server.port(tls ? 'IMAPS' : 'IMAP');
    const client = await RawImap.connect(port, { tls: tls ? 'implicit' : 'none' });
    // The greeting was read; it is expected by the next line, unless nobody wants to see it.
    const session: Session = { client, open: new Map(), isContinuing: false, isLoggingOut: false };
    this.#sessions.set(connection, session);
    if (logInAs === null) return client.unread(client.greeting);
    const { status, text } = await client.login(logInAs, password);
    if (status !== 'OK') throw this.#error(line, `the login was answered ${status} ${text}`);
  }

  async #leave({ line, connection, reset }: Extract<Step, { kind: 'leave' }>): Promise<void> {
    const session = this.#session({ line, connection });
    this.#expectAnswered(session, { orIdling: true });
    const ended = this.#sessionsEnded();
    const deadline = performance.now() + this.#patienceMs;
    if (reset) await session.client.reset();
    else await session.client.close();
    this.#sessions.delete(connection);
    // The server has to have noticed, or what comes next would depend on who is quicker.
    while (this.#sessionsEnded() === ended) {
      if (performance.now() > deadline)
        throw this.#error(line, 'the server does not notice that the connection is gone');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #sessionsEnded(): number {
    return this.#server.logged.filter(({ fields }) => fields['event'] === 'session').length;
  }

  #sendLine({ line, connection, text }: Extract<Step, { kind: 'send line' }>): void {
    const session = this.#session({ line, connection });
    const sent = text.replace(
      placeholder,
      (_whole, name: string) => credential(name, password) ?? this.#bound.get(name) ?? '',
    );
    const [tag = '', command = ''] = sent.split(' ');
    if (!session.isContinuing && !/^done$/i.test(sent))
      session.open.set(tag, { line, isIdle: /^idle$/i.test(command) });
    session.isContinuing = false;
    session.isLoggingOut ||= /^logout$/i.test(command);
    session.client.write(Buffer.from(`${sent}\r\n`));
  }

  #sendPart(step: Extract<Step, { kind: 'send part' }>): void {
    const session = this.#session(step);
    // Of the command that it breaks off, if that has begun before.
    const begun = [...session.open.keys()].at(-1);
    if (begun !== undefined) session.open.delete(begun);
    session.client.write(step.bytes);
  }

  async #expect({ line, connection }: Step, response: ExpectedResponse): Promise<void> {
    const session = this.#session({ line, connection });
    const wanted = showExpected(response, this.#bound);
    const came = await this.#read(session, { line, connection, wanted });
    if (!this.#fits(session, response, came)) throw this.#different({ line, connection, wanted }, came);
  }

  async #expectInAnyOrder(step: Extract<Step, { kind: 'expect in any order' }>): Promise<void> {
    const { line, connection } = step;
    const session = this.#session(step);
    const missing = new Set(step.responses);
    while (missing.size) {
      const wanted = [...missing].map((one) => showExpected(one, this.#bound)).join('\n      or    ');
      const came = await this.#read(session, { line, connection, wanted });
      const found = [...missing].find((one) => this.#fits(session, one, came));
      if (!found) throw this.#different({ line, connection, wanted }, came);
      missing.delete(found);
    }
  }

  /** Reads up to what fits the next step, which reads it again. */
  async #skip({ line, connection }: Step, next: Step | undefined): Promise<void> {
    if (next?.kind !== 'expect') {
      throw this.#error(line, 'after "..." a line of the server was expected that ends it, usually the tagged answer');
    }
    const session = this.#session({ line, connection });
    const wanted = `anything, then ${showExpected(next.response, this.#bound)}`;
    for (;;) {
      const came = await this.#read(session, { line: next.line, connection, wanted });
      if (matchResponse(next.response, came, this.#bound)) return session.client.unread(came);
      // A tagged answer is the last that a command gets.
      if (!/^[*+] /.test(came)) throw this.#different({ line: next.line, connection, wanted }, came);
    }
  }

  #fits(session: Session, expected: ExpectedResponse, came: string): boolean {
    const bound = matchResponse(expected, came, this.#bound);
    if (!bound) return false;
    this.#bound = bound;
    session.open.delete(came.split(' ', 1)[0] ?? '');
    session.isContinuing = came.startsWith('+ ');
    return true;
  }

  async #read({ client }: Session, at: { line: number; connection: number; wanted: string }): Promise<string> {
    const timer = new AbortController();
    const silence = sleep(this.#patienceMs, null, { signal: timer.signal }).catch(() => null);
    // When it comes too late, nobody waits for it any more.
    const reading = client.read().catch(() => 'closed' as const);
    const came = await Promise.race([reading, silence]);
    timer.abort();
    if (came === null) throw this.#different(at, `nothing for ${this.#patienceMs / 1000} seconds`);
    if (came === 'closed') throw this.#different(at, 'the end of the connection');
    const never = forbiddenIn(came);
    if (never !== null) throw this.#different({ ...at, wanted: `never ${never}` }, came);
    return came;
  }

  async #expectClosed({ line, connection }: Pick<Step, 'line' | 'connection'>, session: Session): Promise<void> {
    const wanted = 'the end of the connection';
    const silence = sleep(this.#patienceMs, null, { ref: false });
    const came = await Promise.race([session.client.read().catch(() => 'closed' as const), silence]);
    if (came !== 'closed') throw this.#different({ line, connection, wanted }, came ?? 'nothing');
    this.#sessions.delete(connection);
  }

  /** Nothing is open, and nothing more was said than the transcript has. */
  async #end(connection: number, session: Session): Promise<void> {
    this.#expectAnswered(session, { orIdling: false });
    const line = this.#transcript.steps.findLast((step) => step.connection === connection)?.line ?? 0;
    if (session.isLoggingOut) return this.#expectClosed({ line, connection }, session);
    session.client.write('end LOGOUT\r\n');
    const wanted = 'nothing more after this line';
    const came = await this.#read(session, { line, connection, wanted });
    if (!came.startsWith('* BYE ')) throw this.#different({ line, connection, wanted }, came);
  }

  #expectAnswered({ open }: Session, { orIdling }: { orIdling: boolean }): void {
    const [first] = [...open].filter(([, { isIdle }]) => !(orIdling && isIdle));
    if (first) throw this.#error(first[1].line, `the transcript has no answer to the command ${first[0]}`);
  }

  #session({ line, connection }: Pick<Step, 'line' | 'connection'>): Session {
    const session = this.#sessions.get(connection);
    if (!session)
      throw this.#error(line, `connection ${connection} is not there: "-- ${connection} connects with TLS"`);
    return session;
  }

  #different(at: { line: number; connection: number; wanted: string }, came: string): TranscriptError {
    const number = this.#sessions.size > 1 || at.connection > 1 ? ` (connection ${at.connection})` : '';
    return this.#error(
      at.line,
      `the server${number} said something else\n  expected  ${at.wanted}\n  got       ${showResponse(came)}`,
    );
  }

  #error(line: number, text: string): TranscriptError {
    return new TranscriptError(this.#transcript.path, line, text);
  }
}
