// Mail comes in from files: .eml, mbox and Maildir, in order, one durable message after the other. Each message stands for itself: what
// fails is named with its place and the rest goes on, and running the same import again adds nothing twice. Renders nothing: src/cli calls
// it and shows the progress and the report.
import { PermanentError, TemporaryError } from '../../quarantine/errors.ts';
import type { Quarantine } from '../../quarantine/quarantine.ts';
import { ownerFor, receive, Rejection } from '../../quarantine/receive.ts';
import type { IntakeView } from '../../quarantine/receive.ts';
import { distinctRecipients } from '../distinct-recipients.ts';
import { isMailbox } from '../envelope-path.ts';
import { importBytesAtOnce, importsAtOnce, importTroubleLimit } from '../limits.ts';
import { readEnvelopeHeaders, recipientHeaders } from './envelope-headers.ts';
import { NoMailError, readSource } from './read-source.ts';
import type { FoundMessage } from './read-source.ts';
import { findSources, problemOf } from './sources.ts';
import type { Source } from './sources.ts';

export interface ImportOptions {
  /** Files and folders, in this order. */
  paths: readonly string[];
  view: IntakeView;
  /** Envelope recipients of every message; none: each message's own headers name them. */
  recipients?: readonly string[];
  /** Envelope sender of every message, `''` for the null sender; undefined: each message's own headers name it. */
  sender?: string;
  /** Default: what is known by digest, owner, view and recipient, held or remembered, is not stored again. */
  allowDuplicates?: boolean;
  /** Ends the import between two messages. */
  signal?: AbortSignal;
}

export interface ImportFailure {
  /** The file or folder. */
  source: string;
  /** For example `message 3 (line 120)`; '' for a whole file. */
  position: string;
  /** One sentence or less, for people. */
  problem: string;
}

export interface ImportReport {
  /** Messages in the quarantine's sense: one for each recipient. */
  stored: number;
  /** Not stored, because they were known. */
  known: number;
  failed: ImportFailure[];
  /** Why the import ended before the last file; null when it did not. */
  stopped: string | null;
}

export interface ImportProgress {
  bytesRead: number;
  /** Of everything there is to read. */
  bytesTotal: number;
  /** Messages found in the files so far. */
  messages: number;
  stored: number;
  known: number;
  failed: number;
}

/**
 * @param onProgress called often: after every message and every piece of a file
 * @throws Rejection when a recipient or the sender of the options can have no mail here: no message could be imported
 */
export async function importFiles(
  options: ImportOptions,
  quarantine: Quarantine,
  onProgress: (progress: ImportProgress) => void = () => undefined,
): Promise<ImportReport> {
  checkEnvelope(options, quarantine);
  const { sources, problems } = await findSources(options.paths, options.signal);
  const run = new ImportRun(options, quarantine, {
    bytesTotal: sources.reduce((sum, source) => sum + source.sizeBytes, 0),
    onProgress,
  });
  for (const { source, problem } of problems) run.fail({ source, position: '', problem });
  for (const source of sources) {
    if (run.isStopped) break;
    await run.importSource(source);
  }
  return run.finish();
}

function checkEnvelope({ view, recipients = [], sender }: ImportOptions, quarantine: Quarantine): void {
  const given = [...recipients, ...(sender ? [sender] : [])];
  const malformed = given.find((address) => !isMailbox(address));
  if (malformed !== undefined) throw new Rejection('malformed-address', `"${malformed}" is no mail address.`);
  if (view === 'outgoing') {
    if (sender !== undefined) ownerFor(quarantine, view, sender, '');
  } else {
    for (const recipient of recipients) ownerFor(quarantine, view, sender ?? '', recipient);
  }
}

class ImportRun {
  readonly #options: ImportOptions;
  readonly #quarantine: Quarantine;
  readonly #onProgress: (progress: ImportProgress) => void;
  readonly #report: ImportReport = { stored: 0, known: 0, failed: [], stopped: null };
  readonly #progress: { bytesRead: number; bytesTotal: number; messages: number };
  /** Being stored now. */
  readonly #underWay = new Set<Promise<void>>();
  #bytesUnderWay = 0;
  #troubleInARow = 0;

  constructor(
    options: ImportOptions,
    quarantine: Quarantine,
    { bytesTotal, onProgress }: { bytesTotal: number; onProgress: (progress: ImportProgress) => void },
  ) {
    this.#options = options;
    this.#quarantine = quarantine;
    this.#onProgress = onProgress;
    this.#progress = { bytesRead: 0, bytesTotal, messages: 0 };
    this.#tell();
  }

  get isStopped(): boolean {
    if (this.#options.signal?.aborted) this.#report.stopped ??= 'It was interrupted.';
    return this.#report.stopped !== null;
  }

  fail(failure: ImportFailure): void {
    this.#report.failed.push(failure);
    this.#tell();
  }

  async importSource(source: Source): Promise<void> {
    const { maxMessageBytes } = this.#quarantine.policy;
    const before = this.#progress.bytesRead;
    const onBytes = (count: number): void => {
      // A file may have grown since it was measured.
      this.#progress.bytesRead = Math.min(this.#progress.bytesRead + count, before + source.sizeBytes);
      this.#tell();
    };
    try {
      for await (const message of readSource(source, maxMessageBytes, onBytes)) {
        if (this.isStopped) return;
        this.#progress.messages += 1;
        await this.#importMessage(source, message);
      }
    } catch (error) {
      const problem = error instanceof NoMailError ? error.message : problemOf(error);
      this.fail({ source: source.path, position: '', problem });
    } finally {
      if (!this.isStopped) this.#progress.bytesRead = before + source.sizeBytes;
    }
  }

  async finish(): Promise<ImportReport> {
    await Promise.all(this.#underWay);
    // Told again, because an interruption may have come after the last message.
    this.#tell();
    return this.#report;
  }

  async #importMessage(source: Source, { position, raw, internalDate, sender }: FoundMessage): Promise<void> {
    const fail = (problem: string): void => this.fail({ source: source.path, position, problem });
    if (!raw) {
      fail(`larger than the limit of ${this.#quarantine.policy.maxMessageBytes} bytes for one message`);
      return;
    }
    const headers = readEnvelopeHeaders(raw);
    const given = this.#options.recipients?.length ? this.#options.recipients : headers.recipients;
    const envelope = { sender: this.#options.sender ?? headers.sender ?? sender ?? '', recipients: [] as string[] };
    if (!given.length) {
      fail(`no recipient; expected --recipient or one of the headers ${recipientHeaders.join(', ')}`);
      return;
    }
    for (const recipient of distinctRecipients(given)) {
      const problem = this.#problemWith(envelope.sender, recipient);
      if (problem === null) envelope.recipients.push(recipient);
      else fail(problem);
    }
    if (!envelope.recipients.length) return;
    while (this.#underWay.size && !this.#hasRoomFor(raw.length)) await Promise.race(this.#underWay);
    // `receive` reaches the store before it waits for the first time, so messages are numbered in the order of the files.
    const storing = this.#store({ raw, envelope, internalDate }, fail);
    this.#underWay.add(storing);
    this.#bytesUnderWay += raw.length;
    void storing.finally(() => {
      this.#underWay.delete(storing);
      this.#bytesUnderWay -= raw.length;
    });
  }

  #hasRoomFor(sizeBytes: number): boolean {
    return this.#underWay.size < importsAtOnce && this.#bytesUnderWay + sizeBytes <= importBytesAtOnce;
  }

  #problemWith(sender: string, recipient: string): string | null {
    if (!isMailbox(recipient)) return `"${recipient}" is no mail address`;
    try {
      ownerFor(this.#quarantine, this.#options.view, sender, recipient);
      return null;
    } catch (error) {
      if (error instanceof Rejection) return `${sender || '<>'} to ${recipient}: ${error.message}`;
      throw error;
    }
  }

  /** Never rejects. */
  async #store(
    mail: { raw: Buffer; envelope: { sender: string; recipients: string[] }; internalDate: number },
    fail: (problem: string) => void,
  ): Promise<void> {
    try {
      const { messages } = await receive(this.#quarantine, {
        ...mail,
        view: this.#options.view,
        skipKnown: !this.#options.allowDuplicates,
      });
      const stored = messages.filter(({ id }) => id !== null).length;
      this.#report.stored += stored;
      this.#report.known += messages.length - stored;
      this.#troubleInARow = 0;
      this.#tell();
    } catch (error) {
      this.#failToStore(error, fail);
    }
  }

  #failToStore(error: unknown, fail: (problem: string) => void): void {
    if (error instanceof PermanentError) {
      fail(error.message);
      return;
    }
    if (!(error instanceof TemporaryError)) {
      this.#quarantine.log.error({ event: 'import', err: error }, 'a message could not be imported');
      fail('an unexpected error; the log has more');
      return;
    }
    fail(error.message);
    this.#troubleInARow += 1;
    if (this.#troubleInARow < importTroubleLimit) return;
    this.#report.stopped ??=
      'The store takes no mail at the moment. Run the import again later: what is in is not imported twice.';
  }

  #tell(): void {
    const { stored, known, failed } = this.#report;
    this.#onProgress({ ...this.#progress, stored, known, failed: failed.length });
  }
}
