// A mail program that stays in IDLE: keeps the mailbox exactly as it is told of it, and notes whatever no server may say. When its process
// ends it connects again, as mail programs do.
import { RawImap } from '../../../test/helpers/raw-imap.ts';
import { ownAddress } from './journal.ts';
import type { Journal } from './journal.ts';
import { patienceOf } from './patience.ts';
import type { Patience } from './patience.ts';

export interface WatcherOptions {
  port: number;
  login: string;
  password: string;
  journal: Journal;
  /** By login: the subject that each UID was told with, whoever was told. */
  uids: Map<string, string>;
}

interface Entry {
  /** 0 until it was fetched. */
  uid: number;
  subject: string;
  toldAt: number;
}

const header = '(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])';

export class Watcher {
  readonly login: string;
  /** Where it comes from, anew with each connection. */
  address = '';
  sessions = 0;
  readonly #options: WatcherOptions;
  #entries: Entry[] = [];
  #client: RawImap | null = null;
  #isFirstLook = true;
  #isStopped = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.login = options.login;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#client?.socket.destroy();
    await this.#ended;
  }

  /** The mailbox as this session was told of it: `UID subject`. */
  get mailbox(): string[] {
    return this.#entries.map(({ uid, subject }) => `${uid} ${subject}`);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#session();
      } catch {
        // The process ended, or the balancer has none just now.
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #session(): Promise<void> {
    const { port, login, password, journal } = this.#options;
    this.address = ownAddress();
    const patience = patienceOf(`a session of ${login} at ${this.address}`, journal);
    const connecting = RawImap.connect(port, { localAddress: this.address });
    const client = await patience('its connection', connecting, (late) => void late.socket.destroy());
    this.#client = client;
    let isOpen = false;
    try {
      if ((await patience('LOGIN', client.login(login, password))).status !== 'OK') return;
      this.#entries = [];
      this.#isFirstLook = true;
      const selected = await patience('SELECT', client.command('SELECT Caught'));
      if (selected.status !== 'OK') return;
      isOpen = true;
      this.sessions++;
      for (const line of selected.untagged) this.#apply(line);
      for (;;) {
        await this.#fetchNew(patience);
        this.#isFirstLook = false;
        await this.#idle();
      }
    } finally {
      if (isOpen && !this.#isStopped && !this.#saidBye) journal.cuts++;
      this.#saidBye = false;
      client.socket.destroy();
    }
  }

  #saidBye = false;

  async #fetchNew(patience: Patience): Promise<void> {
    const first = this.#entries.findIndex(({ uid }) => uid === 0);
    if (first < 0 || !this.#client) return;
    const fetching = this.#client.command(`FETCH ${first + 1}:${this.#entries.length} ${header}`);
    const { untagged } = await patience('FETCH', fetching);
    for (const line of untagged) this.#apply(line);
  }

  /** Until something came that has to be fetched. */
  async #idle(): Promise<void> {
    const client = this.#client;
    if (!client) return;
    const tag = client.tag();
    client.write(`${tag} IDLE\r\n`);
    for (let isDone = false; ;) {
      const line = await client.read();
      if (line.startsWith(`${tag} `)) return;
      const isNews = this.#apply(line);
      if (isNews && !isDone) {
        isDone = true;
        client.write('DONE\r\n');
      }
    }
  }

  /** Answers whether messages came that are not fetched yet. */
  #apply(line: string): boolean {
    const [, number = '', what = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)/.exec(line) ?? [];
    if (line.startsWith('* BYE')) {
      this.#saidBye = true;
      this.#options.journal.byes++;
    }
    if (what === 'EXISTS') return this.#exists(Number(number));
    if (what === 'EXPUNGE') this.#expunge(Number(number));
    if (what === 'FETCH') this.#fetched(Number(number), line);
    return false;
  }

  #exists(count: number): boolean {
    if (count < this.#entries.length) this.#wrong(`${count} EXISTS where ${this.#entries.length} were known`);
    const isNews = count > this.#entries.length;
    while (this.#entries.length < count) this.#entries.push({ uid: 0, subject: '', toldAt: Date.now() });
    return isNews;
  }

  #expunge(number: number): void {
    if (number > this.#entries.length) this.#wrong(`${number} EXPUNGE where ${this.#entries.length} were known`);
    this.#entries.splice(number - 1, 1);
    this.#options.journal.expunges++;
  }

  #fetched(number: number, line: string): void {
    const uid = Number(/UID (\d+)/.exec(line)?.[1] ?? 0);
    const subject = /Subject: (\S+)/i.exec(line)?.[1] ?? '';
    const entry = this.#entries[number - 1];
    if (!subject) return;
    if (!entry) return this.#wrong(`FETCH of ${number} where ${this.#entries.length} were known`);
    const below = this.#entries.slice(0, number - 1).findLast((one) => one.uid)?.uid ?? 0;
    if (uid <= below) this.#wrong(`UID ${uid} (${subject}) appeared above UID ${below}`);
    if (entry.uid && entry.uid !== uid) this.#wrong(`number ${number} is UID ${uid} and was UID ${entry.uid}`);
    const { uids, journal } = this.#options;
    const name = `${this.login} ${uid}`;
    const before = uids.get(name);
    if (before !== undefined && before !== subject) this.#wrong(`UID ${uid} is ${subject} and was ${before}`);
    uids.set(name, subject);
    if (!entry.uid && !this.#isFirstLook) journal.told.push({ subject, at: entry.toldAt, session: this.address });
    Object.assign(entry, { uid, subject });
  }

  #wrong(what: string): void {
    this.#options.journal.wrong.push(`${this.login}: ${what}`);
  }
}
