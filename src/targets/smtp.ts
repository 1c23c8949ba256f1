// Delivers released messages over SMTP, LMTP and to mail exchangers: one attempt at a time, one outcome per recipient. It must never
// send a message twice within an attempt, change a byte of it, or take anything but the far end's own word for an acceptance. Called by
// the worker through the port (quarantine/target.ts); built by main.ts, once.
import type { LookupFunction } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { DeliveryAttempt, DeliveryTarget, RecipientOutcome } from '../quarantine/target.ts';
import { findExchangers, type MailResolver, systemResolver } from './mail-exchangers.ts';
import { type DeliverTo, parseDeliverTo } from './parse-target-url.ts';
import { type ReleasedContent, releasedContent } from './released-content.ts';
import { SessionPool } from './session-pool.ts';
import { unsendableReason } from './smtp-address.ts';
import { permanent, temporary } from './smtp-outcomes.ts';
import { configuredRoute, exchangerRoute, openRoute, type Route, type SmtpTimeouts } from './smtp-route.ts';
import { SessionFailure } from './smtp-session.ts';
import { stoppedWords, transactOver } from './smtp-transaction.ts';

export interface SmtpTargetOptions {
  /** Milliseconds; by default 30 s to connect, 5 min for the greeting, 10 min for any later answer. */
  timeouts?: Partial<SmtpTimeouts>;
  /** Connections to one far end at the same time: 5. */
  maxConnections?: number;
  /** A connection that nobody needed for this long is closed: 30 s. */
  idleMs?: number;
  /** For `mx`; the system's DNS servers by default. */
  resolver?: MailResolver;
  /** The port of mail exchangers; anything but 25 is for tests. */
  mxPort?: number;
  /** Resolves the host of a URL; the system's resolver (with its hosts file) by default. */
  lookup?: LookupFunction;
  /** Certificates to trust instead of the usual ones, where a certificate is checked at all. */
  ca?: ConnectionOptions['ca'];
  /** Told of errors that nobody foresaw, that is of our own bugs; the attempt ends as temporary. */
  onUnexpectedError?: (error: unknown) => void;
}

interface Transmission {
  attempt: DeliveryAttempt;
  released: ReleasedContent;
  signal: AbortSignal;
}

type Recorder = (outcomes: readonly RecipientOutcome[]) => void;

// RFC 5321 section 4.5.3.1.8: every server takes 100 recipients in one transaction; more go in several.
const maxRecipients = 100;
/** Domains that `mx` delivers to side by side, so that a dead one does not use up the deadline of the others. */
const parallelDomains = 8;

export class SmtpTarget implements DeliveryTarget {
  readonly #options: SmtpTargetOptions;
  readonly #timeouts: SmtpTimeouts;
  readonly #resolver: MailResolver;
  readonly #pool: SessionPool;
  readonly #closing = new AbortController();

  constructor(options: SmtpTargetOptions = {}) {
    this.#options = options;
    this.#timeouts = { connectMs: 30_000, greetingMs: 300_000, replyMs: 600_000, ...options.timeouts };
    this.#resolver = options.resolver ?? systemResolver();
    const { maxConnections = 5, idleMs = 30_000 } = options;
    this.#pool = new SessionPool({ maxConnections, idleMs, maxMessages: 50 });
  }

  async deliver(attempt: DeliveryAttempt): Promise<RecipientOutcome[]> {
    const outcomes = new Map<string, RecipientOutcome>();
    try {
      await this.#attempt(attempt, (all) => all.forEach((one) => outcomes.set(one.address, one)));
    } catch (error) {
      this.#options.onUnexpectedError?.(error);
    }
    return attempt.envelope.recipients.map(
      (address) => outcomes.get(address) ?? temporary(address, 'an unexpected error of our own stopped the delivery'),
    );
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#pool.close();
  }

  async #attempt(attempt: DeliveryAttempt, record: Recorder): Promise<void> {
    const sendable = sendableRecipients(attempt.envelope, record);
    if (sendable.length === 0) return;
    let target: DeliverTo;
    try {
      target = parseDeliverTo(attempt.deliverTo);
    } catch (error) {
      // A mistake of the settings is put right and the mail goes out; it must not come back to people.
      const reason = error instanceof Error ? error.message : 'the delivery target cannot be read';
      return record(sendable.map((address) => temporary(address, reason)));
    }
    const transmission: Transmission = {
      attempt,
      released: releasedContent(attempt.content, attempt.trace),
      signal: AbortSignal.any([attempt.signal, this.#closing.signal]),
    };
    if (target.kind === 'mx') return this.#toExchangers(sendable, transmission, record);
    const route = configuredRoute(target, this.#options.lookup);
    record(await this.#toFirstReachable([route], sendable, transmission));
  }

  async #toExchangers(recipients: readonly string[], transmission: Transmission, record: Recorder): Promise<void> {
    const domains = [...Map.groupBy(recipients, domainOf)];
    const next = async (): Promise<void> => {
      for (let group = domains.shift(); group; group = domains.shift()) {
        const [domain, addresses] = group;
        record(await this.#toDomain(domain, addresses, transmission));
      }
    };
    await Promise.all(Array.from({ length: parallelDomains }, next));
  }

  async #toDomain(
    domain: string,
    recipients: readonly string[],
    transmission: Transmission,
  ): Promise<RecipientOutcome[]> {
    if (domain === '') return recipients.map((address) => permanent(address, 'this recipient has no domain'));
    const exchangers = await unlessAborted(findExchangers(domain, this.#resolver), transmission.signal);
    if (exchangers === null) return recipients.map((address) => temporary(address, stoppedWords));
    if (exchangers.found === null) {
      const decide = exchangers.outcome === 'permanent' ? permanent : temporary;
      return recipients.map((address) => decide(address, exchangers.reply));
    }
    const routes = exchangers.found.map((exchanger) => exchangerRoute(exchanger, this.#options.mxPort ?? 25));
    return this.#toFirstReachable(routes, recipients, transmission);
  }

  /** Tries one route after the other until one takes the conversation; its word about the recipients is then the last one. */
  async #toFirstReachable(
    routes: readonly Route[],
    recipients: readonly string[],
    transmission: Transmission,
  ): Promise<RecipientOutcome[]> {
    const { signal } = transmission;
    let words = stoppedWords;
    let allRefused = true;
    for (const route of routes) {
      try {
        return await this.#toRoute(route, recipients, transmission);
      } catch (error) {
        if (!(error instanceof SessionFailure)) throw error;
        // RFC 5321 section 5.1: the next one may be better. It is over for good only when every single one refuses us for good.
        if (allRefused) words = /^\d/.test(error.reply) ? error.reply : route.label + error.reply;
        allRefused &&= error.permanent;
        if (signal.aborted) break;
      }
    }
    if (signal.aborted) return recipients.map((address) => temporary(address, stoppedWords));
    return recipients.map((address) => (allRefused ? permanent : temporary)(address, words));
  }

  /** @throws SessionFailure when nothing was said to this far end about any recipient */
  async #toRoute(route: Route, recipients: readonly string[], transmission: Transmission): Promise<RecipientOutcome[]> {
    const outcomes: RecipientOutcome[] = [];
    for (let start = 0; start < recipients.length; start += maxRecipients) {
      const some = recipients.slice(start, start + maxRecipients);
      try {
        const first = await this.#transact(route, some, transmission, false);
        const { outcomes: result } = first.stale ? await this.#transact(route, some, transmission, true) : first;
        outcomes.push(...result);
      } catch (error) {
        if (outcomes.length === 0 || !(error instanceof SessionFailure)) throw error;
        // The recipients before this hundred have their answers; the rest is for the next attempt.
        outcomes.push(...recipients.slice(start).map((address) => temporary(address, error.reply)));
        break;
      }
    }
    return outcomes;
  }

  /**
   * One transaction over a pooled connection. `stale`: an idle connection had died, or the far end closed it with 421, before anything
   * was sent; a new one may be tried at once.
   */
  async #transact(
    route: Route,
    recipients: readonly string[],
    { attempt, released, signal }: Transmission,
    fresh: boolean,
  ): Promise<{ outcomes: RecipientOutcome[]; stale: boolean }> {
    const { heloName, envelope, mayStillSend } = attempt;
    const open = () => openRoute(route, { heloName, timeouts: this.#timeouts, ca: this.#options.ca, signal });
    try {
      return await this.#pool.use({ key: route.key, open, fresh, signal }, async ({ session, reused }) => {
        const order = { protocol: route.protocol, sender: envelope.sender, recipients, released, signal, mayStillSend };
        const { outcomes, unanswered } = await transactOver(session, order);
        return { outcomes, stale: reused && unanswered && !signal.aborted };
      });
    } catch (error) {
      if (error instanceof SessionFailure || !signal.aborted) throw error;
      return { outcomes: recipients.map((address) => temporary(address, stoppedWords)), stale: false };
    }
  }
}

/** The recipients that any SMTP client could send to, none twice; the others are refused at once. */
function sendableRecipients({ sender, recipients }: DeliveryAttempt['envelope'], record: Recorder): string[] {
  const unsendableSender = sender === '' ? null : unsendableReason(sender);
  return [...new Set(recipients)].filter((address) => {
    const reason =
      unsendableSender === null ? unsendableReason(address) : `the envelope sender cannot be sent: ${unsendableSender}`;
    if (reason !== null) record([permanent(address, reason)]);
    return reason === null;
  });
}

/** The domain of an address in lower case, so that one domain gets one transaction; '' when there is none. */
function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? '' : address.slice(at + 1).toLowerCase();
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  if (signal.aborted) return null;
  let onAbort = (): void => undefined;
  const aborted = new Promise<null>((resolve) => (onAbort = () => resolve(null)));
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}
