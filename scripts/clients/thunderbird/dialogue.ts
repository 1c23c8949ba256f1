// Reads what Thunderbird said to its servers, and they to it, from its own log (MOZ_LOG=IMAP:5), and tells what went wrong in it.
// Called by ../thunderbird.ts.

/** A command and its answer, both without the tag. */
export interface Exchange {
  command: string;
  /** The tagged line; '' when there is none. */
  answer: string;
  /** Until the answer came; of IDLE until it began. */
  tookMs: number;
}

export interface Dialogue {
  exchanges: readonly Exchange[];
  /** Untagged ones that say that something is wrong: BYE, BAD, NO. */
  complaints: readonly string[];
}

/** One TCP connection. */
interface Connection {
  open: Map<string, Exchange & { sentAt: number }>;
  last: (Exchange & { sentAt: number }) | null;
  /** Of a literal that the server sends: it is logged line by line. */
  bytesToSkip: number;
}

const logLine =
  /^\S+ (?<time>\d\d:\d\d:\d\d\.\d{3})\d* UTC - \[[^\]]*\]: \S+ (?<id>[0-9a-f]+):.*?:(?<who>SendData|CreateNewLineFromSocket): (?<text>.*)$/;
const dayMs = 86_400_000;

/** @param log as latin1, so that a character is a byte */
export function readDialogue(log: string): Dialogue {
  const connections = new Map<string, Connection>();
  const exchanges: Exchange[] = [];
  const complaints: string[] = [];
  for (const line of log.split(/[\r\n]+/)) {
    const { time = '', id, who, text = '' } = logLine.exec(line)?.groups ?? {};
    if (id === undefined) continue;
    const connection = connections.get(id) ?? { open: new Map(), last: null, bytesToSkip: 0 };
    connections.set(id, connection);
    const at = Date.parse(`1970-01-01T${time}Z`);
    if (who === 'SendData') {
      const [, tag, command] = /^(\d+) (.+)$/.exec(text) ?? [];
      // What has no tag goes on with a command: a literal, base64, DONE.
      if (tag === undefined || command === undefined) continue;
      connection.last = { command, answer: '', tookMs: Infinity, sentAt: at };
      connection.open.set(tag, connection.last);
      exchanges.push(connection.last);
    } else if (connection.bytesToSkip > 0) {
      connection.bytesToSkip -= text.length + 2;
    } else {
      hear(connection, text, at);
      if (/^\* (BYE|BAD|NO)\b/.test(text)) complaints.push(text);
    }
  }
  return { exchanges, complaints };
}

function hear(connection: Connection, text: string, at: number): void {
  connection.bytesToSkip = Number(/\{(\d+)\}$/.exec(text)?.[1] ?? 0);
  const [, tag = '', answer = ''] = /^(\d+) (.*)$/.exec(text) ?? [];
  const isIdling = text.startsWith('+') && connection.last?.command === 'IDLE';
  const exchange = isIdling ? connection.last : connection.open.get(tag);
  if (!exchange) return;
  exchange.answer = answer;
  if (exchange.tookMs === Infinity) exchange.tookMs = (at - exchange.sentAt + dayMs) % dayMs;
}

/** Commands that are to be refused, each fits one of them: `command → answer`. */
export interface Refusals {
  must: readonly RegExp[];
  may: readonly RegExp[];
}

/** What should not have happened, in sentences. `slowMs`: an answer that takes longer is a stall. */
export function problemsOf({ exchanges, complaints }: Dialogue, { must, may }: Refusals, slowMs: number): string[] {
  const problems = complaints.map((text) => `The server said: ${text}`);
  const [due, allowed] = [[...must], [...may]];
  for (const { command, answer, tookMs } of exchanges) {
    const told = `${command.slice(0, 200)} → ${answer}`;
    if (tookMs === Infinity) problems.push(`No answer: ${command.slice(0, 200)}`);
    else if (tookMs > slowMs) problems.push(`${tookMs} ms: ${told}`);
    if (/^NO\b/.test(answer)) {
      if (!takeFitting(due, told) && !takeFitting(allowed, told)) problems.push(`Refused: ${told}`);
    } else if (answer && !/^OK\b/.test(answer)) problems.push(`Not understood: ${told}`);
  }
  return [...problems, ...due.map(({ source }) => `Not refused: ${source}`)];
}

function takeFitting(patterns: RegExp[], text: string): boolean {
  const at = patterns.findIndex((pattern) => pattern.test(text));
  if (at >= 0) patterns.splice(at, 1);
  return at >= 0;
}

/** Whether every command has its answer. */
export function isQuiet({ exchanges }: Dialogue): boolean {
  return exchanges.every(({ tookMs }) => tookMs < Infinity);
}
