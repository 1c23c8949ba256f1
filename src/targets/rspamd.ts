// Teaches rspamd: one POST to its controller per report, the reported bytes exactly. Must never take an answer for learned that does not
// say so, nor let the password out. Called by the worker through the port; built by report-targets.ts.
import type { ReportAttempt, ReportOutcome, ReportTarget } from '../quarantine/target.ts';
import { asReply } from './reply-text.ts';

export interface RspamdSettings {
  /** Of the controller, `http://127.0.0.1:11334` for example; a path in front of its own ones is kept. */
  url: string;
  /** Learning needs the controller's `enable_password`, or `password` where there is no other. */
  password?: string;
  /** How long rspamd may take for one message. */
  timeoutMs?: number;
}

export class RspamdTarget implements ReportTarget {
  readonly name: string;
  readonly #base: string;
  readonly #headers: Record<string, string> = {};
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();

  /** @throws Error when url or password cannot be used; its message does not repeat the password */
  constructor(name: string, { url, password, timeoutMs = 60_000 }: RspamdSettings) {
    this.name = name;
    this.#timeoutMs = timeoutMs;
    this.#base = readBase(url);
    if (password === undefined) return;
    if (/[\r\n\0]/.test(password)) throw new Error('the password for rspamd holds a line break');
    // Header values are bytes; rspamd compares those of its configuration file, which is UTF-8.
    this.#headers['Password'] = Buffer.from(password, 'utf8').toString('latin1');
  }

  async report({ content, verdict, signal }: ReportAttempt): Promise<ReportOutcome> {
    // rspamd answers an empty message with an error that no repetition cures.
    if (content.length === 0) return { outcome: 'final', reply: 'an empty message holds nothing to learn from' };
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(`${this.#base}/learn${verdict}`, {
        method: 'POST',
        headers: this.#headers,
        body: new Uint8Array(content),
        redirect: 'manual',
        signal: AbortSignal.any([signal, timeout, this.#closing.signal]),
      });
      return outcomeOf(response.status, response.statusText, await bodyOf(response));
    } catch (error) {
      return { outcome: 'temporary', reply: failureWords(error, timeout.aborted) };
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }
}

function readBase(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
    throw new Error('the url of rspamd cannot be read: expected http://host:port of its controller');
  }
  if (url.username || url.password) {
    throw new Error('the url of rspamd holds a user name or password: expected the password under the key "password"');
  }
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** rspamd's own words: JSON with `error`, or an empty or foreign body, for which the reason phrase has to do. */
async function bodyOf(response: Response): Promise<string> {
  const text = (await response.text()).slice(0, 10_000);
  const error = /"error"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  return error ?? text;
}

function outcomeOf(status: number, statusText: string, body: string): ReportOutcome {
  const reply = asReply(`HTTP ${status} ${body.trim() || statusText}`);
  switch (status) {
    case 200:
      // A wrong url may lead to a server that has a page for everything.
      return { outcome: /"success"\s*:\s*false|<html/i.test(body) ? 'temporary' : 'done', reply };
    case 208:
      return { outcome: 'done', reply };
    case 404:
      // "Already learned", says rspamd, but also that it has no classifier; and a wrong path or a proxy answers 404 too. What is known
      // to be none of ours to lose goes on being tried, so that an administrator sees it.
      return { outcome: hasNothingToLearnInto(body) ? 'temporary' : 'done', reply };
    case 204:
      return { outcome: 'final', reply };
    case 401:
    case 403:
      return { outcome: 'temporary', reply: asReply(`rspamd refuses our password for learning (${reply})`) };
    case 429:
      return {
        outcome: 'temporary',
        reply: asReply(`rspamd is busy, or locked us out after wrong passwords (${reply})`),
      };
    default:
      return { outcome: 'temporary', reply };
  }
}

/** The words of rspamd's libstat and router (3.4 to 4.0), and a page made for people, which rspamd never sends. */
function hasNothingToLearnInto(body: string): boolean {
  return /no classifiers defined|cannot find (classifier|statfile)|is not defined in classifier|^(not found|empty path)|<html/i.test(
    body,
  );
}

function failureWords(error: unknown, timedOut: boolean): string {
  if (timedOut) return 'rspamd did not answer in time';
  if (error instanceof Error && error.name === 'AbortError')
    return 'the attempt was stopped before rspamd had answered';
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error)) return 'no answer from rspamd';
  // rspamd 3.4 without its Redis answers "HTTP/1.1 14 cannot get learned: …": no HTTP, but the words are what an administrator needs.
  const data: unknown = Reflect.get(cause, 'data');
  if (typeof data === 'string') return asReply(`rspamd answered with an error: ${data.split('\r\n')[0]?.trim()}`);
  const code: unknown = Reflect.get(cause, 'code');
  return typeof code === 'string' ? `no answer from rspamd (${code})` : 'no answer from rspamd';
}
