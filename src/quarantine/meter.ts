// What is counted and timed while the program works: each once, with its name, its labels and one sentence (README's table is generated
// from here). The domain and the edges report through `Meter`; src/web turns it into what Prometheus reads. Without a meter, as in
// commands and most tests, nothing is counted.
//
// Every combination of label values is a series that a monitoring system keeps for ever, so labels hold a few known words only:
// never an address, a domain, a file name or what a far end said.

export interface Measured {
  name: string;
  labels: readonly string[];
  help: string;
}

/** Only ever grow, from the start of the process. */
export const counters = {
  arrivals: {
    name: 'lazaretto_arrivals_total',
    labels: ['folder', 'outcome'],
    help: 'Mail handed in, by what became of it: kept counts messages, refused and deferred count our answers.',
  },
  actions: {
    name: 'lazaretto_actions_total',
    labels: ['folder', 'cause'],
    help: 'Messages that people acted on: dropped into a folder (APPEND, COPY, MOVE) or deleted from one (EXPUNGE).',
  },
  refusals: {
    name: 'lazaretto_refusals_total',
    labels: ['protocol', 'code'],
    help: 'What was refused or put off, by response code: RFC 5530 (or BAD) in IMAP, enhanced status code in LMTP and SMTP.',
  },
  logins: {
    name: 'lazaretto_logins_total',
    labels: ['outcome'],
    help: 'Attempts to log in: ok, refused, throttled (had to wait), unavailable (could not be checked).',
  },
  deliveries: {
    name: 'lazaretto_deliveries_total',
    labels: ['target', 'outcome'],
    help: 'Attempts at a delivery, by kind of target: done, deferred (tried again), failed (back in its view).',
  },
  reports: {
    name: 'lazaretto_reports_total',
    labels: ['target', 'outcome'],
    help: 'Attempts at a report, by training target: done, deferred (tried again), unlearnable.',
  },
} as const satisfies Record<string, Measured>;

/** How long things take, in seconds. */
export const durations = {
  imapCommand: {
    name: 'lazaretto_imap_command_duration_seconds',
    labels: ['command'],
    help: 'From a complete IMAP command to its tagged answer; IDLE, which waits on purpose, is left out.',
  },
  store: {
    name: 'lazaretto_store_duration_seconds',
    labels: ['operation', 'outcome'],
    help: 'From asking the store to its answer: ok, stale (somebody else was faster), unavailable, refused, error.',
  },
} as const satisfies Record<string, Measured>;

/** What stands at a value of its own at each moment. */
export const levels = {
  imapSessions: {
    name: 'lazaretto_imap_sessions',
    labels: [],
    help: 'IMAP connections that are open, logged in or not.',
  },
} as const satisfies Record<string, Measured>;

type LabelsOf<M extends Measured> = Record<M['labels'][number], string>;

/** May be called from anywhere, never throws, and costs next to nothing. */
export interface Meter {
  /** By 1 unless told otherwise; by 0 is nothing. */
  count<C extends keyof typeof counters>(counter: C, labels: LabelsOf<(typeof counters)[C]>, by?: number): void;
  time<D extends keyof typeof durations>(duration: D, labels: LabelsOf<(typeof durations)[D]>, seconds: number): void;
  set(level: keyof typeof levels, value: number): void;
}
