// The event log: one line of JSON for each thing that happened, with the name of the event in the field `event`. The names and fields are
// relied on by whoever reads the log with a program, so they only ever gain. README's table is generated from here. A line never holds
// message bytes or passwords. Lines about mail hold its envelope, because that is what mail administrators search for.

/** Name of the event, when a line is written, and its fields beside `level`, `time`, `msg` and, where something went wrong, `err`. */
export const logEvents = {
  started: { when: 'The server is ready.', fields: 'version, roles, listening' },
  stopping: { when: 'The server was told to stop and finishes what is under way.', fields: '' },
  stopped: { when: 'The server has stopped.', fields: '' },
  certificate: { when: 'A certificate was made, loaded or is about to expire.', fields: 'cert' },
  restored: {
    when: 'A store that was put back from a backup was made fit to go on.',
    fields: 'parked',
  },
  proxy: {
    when: 'A listener behind a balancer closed a connection that nobody vouched for.',
    fields: 'listener, remoteAddress, reason',
  },
  arrival: { when: 'A door kept mail, durably.', fields: 'view, ids, envelope, sizeBytes' },
  reject: { when: 'A door refused a client, a recipient or mail for good.', fields: 'reply, view, sender, recipient' },
  defer: { when: 'A door told mail to come again later.', fields: 'reply, view' },
  intake: { when: 'A connection to a door ended before its mail was complete.', fields: 'reason' },
  import: { when: 'A message could not be imported.', fields: '' },
  login: { when: 'Somebody logged in, or could not.', fields: 'outcome, login, remoteAddress, connection, why' },
  client: { when: 'A mail program said what it is.', fields: 'connection, remoteAddress, client' },
  session: {
    when: 'An IMAP session ended.',
    fields: 'connection, remoteAddress, login, durationMs, ended',
  },
  connection: { when: 'An IMAP connection or listener met trouble.', fields: 'connection, remoteAddress' },
  refuse: {
    when: 'An IMAP command was answered NO; the text is what the person was shown.',
    fields: 'connection, remoteAddress, login, command, code, text',
  },
  drop: {
    when: 'Messages were put into a drop folder, durably; a drag of very many in several lines.',
    fields: 'folder, from, by, cause, total, deliveries, reports, deleted, nothing',
  },
  expunge: { when: 'Messages were deleted from a view.', fields: 'by, view, messages' },
  operator: { when: 'A command changed a message.', fields: 'message' },
  cancel: { when: 'A command cancelled jobs.', fields: 'message, by, jobs' },
  delivery: { when: 'A delivery was tried.', fields: 'message, outcome, reply' },
  report: { when: 'A report was tried.', fields: 'message, target, outcome, reply' },
  worker: { when: 'The worker met trouble; the jobs stay due.', fields: 'message, job' },
  sweep: {
    when: 'Retention took something away (at level debug: or nothing), or failed.',
    fields: 'expired, contentsReleased, forgotten, purged',
  },
  storage: { when: 'The store is in trouble, or answers again.', fields: 'thread, server, reason' },
  account: { when: 'A login could not be kept up to date.', fields: 'login' },
  web: { when: 'A request for health or metrics could not be answered.', fields: 'path' },
} as const satisfies Record<string, { when: string; fields: string }>;

export type LogEvent = keyof typeof logEvents;

/** What every line of the log has; everything else is by event. */
export interface LogFields {
  event: LogEvent;
  /** What went wrong, with its stack and causes. */
  err?: unknown;
  readonly [field: string]: unknown;
}
