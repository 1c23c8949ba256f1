// A mail program that notes exactly what it is told, whatever it asks for and whatever others do meanwhile in any process, has the mailbox
// as it is: the same messages under the same numbers, with the same flags.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { act } from '../../src/quarantine/act.ts';
import { flagsAfter, storeFlags } from '../../src/quarantine/flags.ts';
import type { FlagOrder } from '../../src/quarantine/flags.ts';
import type { DropFolder, ViewFolder } from '../../src/quarantine/folder.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { newContent, newMessage } from '../helpers/messages.ts';
import { testNow } from '../helpers/quarantine.ts';
import type { RawImap } from '../helpers/raw-imap.ts';
import { seededRandom } from '../helpers/seeded-random.ts';
import type { SeededRandom } from '../helpers/seeded-random.ts';
import { startTestServer } from '../helpers/server.ts';
import type { TestServer } from '../helpers/server.ts';

const options = { timeout: 120_000 };
const alice = scopeOfLogin('alice@example.com');
const choices = ['\\Seen', '\\Flagged', 'work'] as const;
const actions = { '+FLAGS': 'add', '-FLAGS': 'remove', FLAGS: 'set' } as const;

interface Known {
  /** Null until it was told. */
  uid: number | null;
  flags: string[] | null;
}

/** Believes what it is told, and that its own silent orders were carried out. */
class MailProgram {
  readonly #client: RawImap;
  readonly #known: Known[] = [];

  private constructor(client: RawImap) {
    this.#client = client;
  }

  static async open(server: TestServer): Promise<MailProgram> {
    const program = new MailProgram(await server.imap());
    await program.command('SELECT Caught');
    await program.command('UID FETCH 1:* (FLAGS)');
    return program;
  }

  get messages(): readonly Known[] {
    return this.#known;
  }

  async command(text: string): Promise<void> {
    const { status, untagged, text: said } = await this.#client.command(text);
    assert.equal(status, 'OK', `${text}: ${said}`);
    for (const line of untagged) this.#note(line);
  }

  async storeSilently(uids: readonly number[], item: keyof typeof actions, flags: readonly string[]): Promise<void> {
    for (const known of this.#known) {
      if (known.flags && uids.includes(known.uid ?? 0))
        known.flags = flagsAfter(known.flags, { action: actions[item], flags });
    }
    await this.command(`UID STORE ${uids.join()} ${item}.SILENT (${flags.join(' ')})`);
  }

  #note(line: string): void {
    const [, number = '', what, data = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(?: \((.*)\))?$/s.exec(line) ?? [];
    const position = Number(number) - 1;
    if (what === 'EXPUNGE') assert.equal(this.#known.splice(position, 1).length, 1, line);
    if (what === 'EXISTS') while (this.#known.length <= position) this.#known.push({ uid: null, flags: null });
    if (what === 'EXISTS') assert.equal(this.#known.length, position + 1, line);
    if (what !== 'FETCH') return;
    const known = this.#known[position];
    assert.ok(known, line);
    const uid = /(?:^| )UID (\d+)/.exec(data)?.[1];
    const flags = /(?:^| )FLAGS \(([^)]*)\)/.exec(data)?.[1];
    if (uid !== undefined) assert.ok(known.uid === null || known.uid === Number(uid), `${line} for UID ${known.uid}`);
    if (uid !== undefined) known.uid = Number(uid);
    if (flags !== undefined) known.flags = flags.split(' ').filter(Boolean);
  }
}

describe('what a mail program has been told', () => {
  for (const seed of [1, 2, 3]) {
    it(`is what the mailbox has (seed ${seed})`, options, async () => {
      const random = seededRandom(seed);
      await using server = await startTestServer();
      await using storage = await closing(server);
      const elsewhere: Quarantine = { ...server.quarantine, storage };
      await arrive(server.quarantine, 30);
      const programs = [await MailProgram.open(server), await MailProgram.open(server)];
      for (let step = 0; step < 60; step++) {
        const others = random.pick([server.quarantine, elsewhere]);
        const meanwhile = random.between(0, 2) ? changeSomething(others, random) : Promise.resolve();
        await Promise.all([meanwhile, ...programs.map((program) => useMailbox(program, random))]);
        if (random.between(0, 2) === 0) for (const program of programs) await compare(server, program);
      }
      for (const program of programs) await compare(server, program);
    });
  }
});

async function closing(server: TestServer) {
  const storage = await openStorage(server.storeUrl, { log: server.quarantine.log });
  return Object.assign(storage, { [Symbol.asyncDispose]: () => storage.close() });
}

async function compare(server: TestServer, program: MailProgram): Promise<void> {
  await program.command('NOOP');
  await program.command('UID FETCH 1:* (UID)');
  const { messages } = await openedMailbox(server.storage, alice, 'caught');
  // What came at the very end has been announced and not yet asked about.
  const sorted = (flags: readonly string[] | null) => flags && [...flags].sort();
  assert.deepEqual(
    program.messages.map(({ uid, flags }) => ({ uid, flags: sorted(flags) })),
    messages.map(({ uid, flags }, i) => ({ uid, flags: program.messages[i]?.flags ? sorted(flags) : null })),
  );
}

async function useMailbox(program: MailProgram, random: SeededRandom): Promise<void> {
  const uids = program.messages.flatMap(({ uid }) => (uid !== null && random.between(0, 4) === 0 ? [uid] : []));
  const count = program.messages.length;
  if (!uids.length || !count) return program.command('UID FETCH 1:* (FLAGS)');
  const flags = choices.filter(() => random.between(0, 1));
  const item = random.pick(['+FLAGS', '-FLAGS', 'FLAGS'] as const);
  const numbers = `${random.between(1, count)}:${random.between(1, count)}`;
  await random.pick([
    () => program.command('NOOP'),
    () => program.command('UID FETCH 1:* (FLAGS)'),
    () => program.command(`UID FETCH ${uids.join()} (RFC822.SIZE FLAGS)`),
    () => program.command(`UID FETCH ${uids[0]} (BODY[])`),
    () => program.command(`FETCH ${numbers} (UID FLAGS)`),
    () => program.command(`FETCH ${numbers} (FLAGS RFC822.SIZE)`),
    () => program.command(`UID STORE ${uids.join()} ${item} (${flags.join(' ')})`),
    () => program.command(`STORE ${numbers} ${item} (${flags.join(' ')})`),
    () => program.storeSilently(uids, item, flags),
    () => program.command(`UID COPY ${uids[0]} "Not Spam"`),
    () => program.command(`UID MOVE ${uids[0]} "Not Spam"`),
    () => program.command(`UID STORE ${uids[0]} +FLAGS (\\Deleted)`).then(() => program.command('EXPUNGE')),
  ])();
}

async function changeSomething(quarantine: Quarantine, random: SeededRandom): Promise<void> {
  const { uids } = await openedMailbox(quarantine.storage, alice, 'caught');
  const some = uids.filter(() => random.between(0, 3) === 0);
  const from = quarantine.folders.find('Caught', 'user') as ViewFolder;
  const to = quarantine.folders.find('Not Spam', 'user') as DropFolder;
  const action = random.pick(['set', 'add', 'remove'] as const);
  const order: FlagOrder = { scope: alice, view: 'caught', uids: some, action, flags: [random.pick(choices)] };
  await random.pick([
    () => arrive(quarantine, random.between(1, 3)),
    () => storeFlags(quarantine, order),
    () => storeFlags(quarantine, order),
    () => act(quarantine, { scope: alice, cause: 'COPY', from, to, uids: some.slice(0, 3) }),
    () => act(quarantine, { scope: alice, cause: 'MOVE', from, to, uids: some.slice(0, 2) }),
    // There and back, so that who looks only before and after sees nothing.
    () =>
      storeFlags(quarantine, { ...order, action: 'add' }).then(() =>
        storeFlags(quarantine, { ...order, action: 'remove' }),
      ),
  ])();
}

async function arrive({ storage }: Quarantine, count: number): Promise<void> {
  const content = newContent();
  const messages = Array.from({ length: count }, () => newMessage({ content }));
  await storage.insert({ content, messages, skipKnown: false }, testNow);
}
