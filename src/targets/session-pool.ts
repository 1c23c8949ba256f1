// Keeps conversations open between messages, and bounds how many there are at once with one far end. Knows nothing of SMTP but that a
// session can be usable or not. It never retries: what a failure means is for the SMTP target, which owns it.
import type { SmtpSession } from './smtp-session.ts';

export interface PoolLimits {
  /** Connections to one far end at the same time. */
  maxConnections: number;
  /** A connection that nobody needed for this long is closed. */
  idleMs: number;
  /** Messages over one connection; many servers set a limit of their own and answer 421 beyond it. */
  maxMessages: number;
}

export interface PooledSession {
  session: SmtpSession;
  /** Whether it carried a message before: the far end may have dropped it since. */
  reused: boolean;
}

export interface SessionWanted {
  /** Names the far end; sessions are shared among equal keys. */
  key: string;
  open: () => Promise<SmtpSession>;
  /** Never an idle session: those that are idle are given up, because they have probably died as well. */
  fresh: boolean;
  signal: AbortSignal;
}

interface FarEnd {
  busy: number;
  idle: Set<SmtpSession>;
  waiting: (() => void)[];
}

export class SessionPool {
  readonly #limits: PoolLimits;
  readonly #farEnds = new Map<string, FarEnd>();
  readonly #messages = new WeakMap<SmtpSession, number>();
  /** Every session that was opened and is not gone yet. */
  readonly #open = new Set<SmtpSession>();
  #closed = false;

  constructor(limits: PoolLimits) {
    this.#limits = limits;
  }

  /**
   * Runs `work` with a session, an idle one or one from `open`, as soon as there are fewer than the allowed number. Rejects with what
   * `open` or `work` throws, with the signal's reason while it waits for its turn, or when the pool is closed.
   */
  async use<T>(wanted: SessionWanted, work: (pooled: PooledSession) => Promise<T>): Promise<T> {
    const { key, open, fresh, signal } = wanted;
    signal.throwIfAborted();
    const farEnd = this.#farEnds.get(key) ?? { busy: 0, idle: new Set(), waiting: [] };
    this.#farEnds.set(key, farEnd);
    if (farEnd.busy < this.#limits.maxConnections) farEnd.busy += 1;
    else await nextTurn(farEnd, signal);
    try {
      if (this.#closed) throw new Error('deliveries are being stopped');
      if (fresh) for (const session of farEnd.idle) void session.quit();
      const idle = fresh ? null : takeIdle(farEnd);
      const session = idle ?? this.#watched(await open());
      try {
        return await work({ session, reused: idle !== null });
      } finally {
        this.#giveBack(key, farEnd, session);
      }
    } finally {
      const next = farEnd.waiting.shift();
      // The place is handed on, not given up, so that nobody slips in between.
      if (next) next();
      else farEnd.busy -= 1;
      this.#forgetWhenEmpty(key, farEnd);
    }
  }

  /** Says goodbye everywhere; resolves when every connection is gone, those at work when their work is over. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const farEnd of this.#farEnds.values()) for (const session of farEnd.idle) void session.quit();
    await Promise.all([...this.#open].map((session) => session.ended));
  }

  #watched(session: SmtpSession): SmtpSession {
    this.#open.add(session);
    void session.ended.then(() => this.#open.delete(session));
    return session;
  }

  #giveBack(key: string, farEnd: FarEnd, session: SmtpSession): void {
    const messages = (this.#messages.get(session) ?? 0) + 1;
    this.#messages.set(session, messages);
    if (!session.usable) return session.destroy();
    if (this.#closed || messages >= this.#limits.maxMessages) return void session.quit();
    farEnd.idle.add(session);
    session.startIdling(this.#limits.idleMs, () => {
      farEnd.idle.delete(session);
      this.#forgetWhenEmpty(key, farEnd);
    });
  }

  #forgetWhenEmpty(key: string, farEnd: FarEnd): void {
    if (farEnd.busy === 0 && farEnd.idle.size === 0 && this.#farEnds.get(key) === farEnd) this.#farEnds.delete(key);
  }
}

/** First come, first served; who is aborted gives the place in the queue up. */
function nextTurn(farEnd: FarEnd, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = (): void => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    const onAbort = (): void => {
      farEnd.waiting.splice(farEnd.waiting.indexOf(go), 1);
      reject(new Error('aborted while waiting for a free connection'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    farEnd.waiting.push(go);
  });
}

/** The one that was used last, because it is the least likely to have been dropped. */
function takeIdle(farEnd: FarEnd): SmtpSession | null {
  for (const session of [...farEnd.idle].reverse()) {
    farEnd.idle.delete(session);
    session.stopIdling();
    if (session.usable) return session;
    session.destroy();
  }
  return null;
}
