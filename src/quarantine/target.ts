// Where a delivery or a report goes: the port between the queue and the targets. A target makes ONE attempt and says what the far end
// answered, per recipient or for the report. It keeps no state between attempts, decides about no retry and writes to no store: the
// queue does (src/queue). Implemented in src/targets, called by the worker, scripted in tests.
//
// What all implementations promise: only a positive confirmation by the far end is `accepted` or `done`. Everything that is unknown
// (silence, a reset, a crash of the far end, an answer that nobody can read, an abort) is `temporary`, even when the far end may have
// taken the message: a repeat is recognisable by its trace, a lost message is not.
import type { Verdict } from './job.ts';

/** One attempt to deliver a held message to those of its recipients that have not accepted it yet. */
export interface DeliveryAttempt {
  /** The raw bytes as received. They go out unchanged, with one header line at their top (see `trace`). */
  content: Buffer;
  /**
   * Value of the header line `X-Lazaretto-Release` (trace.ts). Printable ASCII on one line; the same for every attempt of one order, so
   * that a far end can tell a repetition from a second message.
   */
  trace: string;
  envelope: {
    /** Envelope sender exactly as received; '' is the null reverse-path `<>`. */
    sender: string;
    /** Envelope recipients exactly as received: not canonical, not lower-cased, and the domain perhaps no A-label. */
    recipients: readonly string[];
  };
  /** `smtp://host:port`, `smtps://…`, `lmtp://host:port`, `lmtp:/socket` or `mx`; may hold credentials, so it is never logged. */
  deliverTo: string;
  /** The name that we say EHLO or LHLO with: `hostname` of the settings. */
  heloName: string;
  /** The deadline for the whole attempt. Aborting closes the connection at once; what was not confirmed by then is `temporary`. */
  signal: AbortSignal;
  /**
   * Asked right before the message itself is sent. False: the machine slept for so long that another process may be delivering it, which
   * it learns before its timers run. Then nothing is sent, and the recipients are `temporary`.
   */
  mayStillSend?(this: void): boolean;
}

/** What became of one envelope recipient in one attempt. */
export interface RecipientOutcome {
  /** As given in the attempt. */
  address: string;
  /**
   * `accepted`: the far end took responsibility (2yz after the final dot; over LMTP the reply for this recipient).
   * `permanent`: it refused for good (5yz), or nobody could ever send to this address.
   * `temporary`: everything else.
   */
  outcome: 'accepted' | 'temporary' | 'permanent';
  /**
   * The far end's words verbatim, several lines joined by a blank, control characters blanked, at most 1000 characters. Where the far
   * end said nothing, our own words: these never begin with a digit, and never hold credentials.
   */
  reply: string;
}

export interface DeliveryTarget {
  /**
   * Makes one attempt. Resolves with exactly one outcome per entry of `envelope.recipients`, in their order, whatever happens; never
   * rejects. What is `accepted` is durable at the far end, as far as its word goes. May be called many times at once: the target bounds
   * its connections itself, and an attempt that waits for a free one is ended by its signal like any other.
   */
  deliver(attempt: DeliveryAttempt): Promise<RecipientOutcome[]>;
  /**
   * Ends every connection; resolves when nothing is left open. Attempts still running end as `temporary`, so wait for them first where
   * a repeated delivery matters. May be called twice; an attempt made afterwards is `temporary`.
   */
  close(): Promise<void>;
}

/** One attempt to teach one filter one training example. */
export interface ReportAttempt {
  /** The reported bytes, exactly: nothing is prepended. */
  content: Buffer;
  verdict: Verdict;
  /** Our id of the quarantined message (not its Message-ID). With verdict and digest it names the report, so that a repeat is known. */
  messageId: string;
  /** SHA-256 of the content, hexadecimal. */
  digest: string;
  /** The deadline for the attempt. */
  signal: AbortSignal;
}

export interface ReportOutcome {
  /**
   * `done`: learned now, or known to be learned already. `final`: the filter said that it can never learn from this one, which is no
   * error. `temporary`: everything else, above all what an administrator must put right (a wrong password, a full disk).
   */
  outcome: 'done' | 'final' | 'temporary';
  /** The filter's words, or ours; one line, at most 1000 characters, no credentials. */
  reply: string;
}

export interface ReportTarget {
  /** Names the target in the stored jobs, so it must stay the same across restarts; unique among the targets. */
  readonly name: string;
  /** Makes one attempt; never rejects. May be repeated for a report that was done before: that adds nothing and is `done`. */
  report(attempt: ReportAttempt): Promise<ReportOutcome>;
  /** Resolves when nothing is left open. May be called twice. */
  close(): Promise<void>;
}
