// Part `million`: what the login `global` of a large provider sees. A million small messages: five
// thousand contents for two hundred users each, so that filling the store takes minutes.
import assert from 'node:assert/strict';
import { RawSmtp } from '../../../test/helpers/raw-smtp.ts';
import { Client } from '../client.ts';
import type { Login } from '../client.ts';
import { alice, directoryWith, global } from '../corpus.ts';
import type { Corpus } from '../corpus.ts';
import { arrivalOf, spam } from '../mail/spam.ts';
import { startLazaretto } from '../servers/lazaretto.ts';
import type { Running, StoredMail } from '../servers/lazaretto.ts';
import { median } from '../table.ts';
import type { Table } from '../table.ts';
import { cpuMs, rssBytes } from '../usage.ts';

const contents = 5000;
const users = 200;
/** Sees five thousand of the messages, to compare with. */
const user: Login = { name: 'user7@example.com', password: alice.password };
const selects = 5;
const newest = 100;
const fetches = 50;
const notices = 40;
const sessions = 10;

const million: Corpus = { name: '1,000,000 messages', logins: [user], mail };

function* mail(): Generator<StoredMail> {
  const recipients = Array.from({ length: users }, (_, i) => `user${i}@example.com`);
  for (let number = 0; number < contents; number++) {
    const raw = spam(number, { recipient: 'everybody@example.com', fewestBytes: 1500, mostBytes: 3000 });
    yield { raw, recipients, internalDate: arrivalOf(number) };
  }
}

export async function millionMessages(table: Table): Promise<void> {
  const server = await startLazaretto(await directoryWith(million));
  const client = await Client.open(server.port, global, 'INBOX');
  const { ms } = await client.command('SELECT Caught');
  table.add({ what: 'SELECT of 1,000,000, first time', unit: 'ms', ours: ms, target: { most: 1000 } });
  const before = cpuMs(server.pid);
  const taken: number[] = [];
  for (let time = 0; time < selects; time++) taken.push((await client.command('SELECT Caught')).ms);
  table.add({ what: 'SELECT of 1,000,000, then', unit: 'ms', ours: median(taken), target: { most: 1000 } });
  table.add({ what: 'SELECT of 1,000,000, then', unit: 'ms CPU', ours: (cpuMs(server.pid) - before) / selects });
  await fetchNewest(table, server, client);
  client.close();
  await manySessions(table, server);
  const inFiveThousand = await timeNotices(server, user);
  const inMillion = await timeNotices(server, global);
  for (const kind of ['EXISTS', 'EXPUNGE'] as const)
    table.add({
      what: `${kind} in 1,000,000, from its cause to another session, beside 5,000`,
      unit: 'ms',
      ours: inMillion[kind],
      other: inFiveThousand[kind],
      besides: 'in 5,000',
    });
  table.add({
    what: 'arrival and its two notices, 1,000,000 beside 5,000',
    unit: 'ms CPU',
    ours: inMillion.cpuMs,
    other: inFiveThousand.cpuMs,
    besides: 'in 5,000',
  });
  await server.stop();
}

async function fetchNewest(table: Table, server: Running, client: Client): Promise<void> {
  const status = (await client.command('STATUS Caught (UIDNEXT)')).text;
  const from = Number(/UIDNEXT (\d+)/.exec(status)?.[1]) - newest;
  const before = cpuMs(server.pid);
  const taken: number[] = [];
  for (let time = 0; time < fetches; time++) {
    const { text, ms } = await client.command(`UID FETCH ${from}:* (FLAGS)`, { keepText: true });
    assert.equal(text.match(/ FETCH \(/g)?.length, newest);
    taken.push(ms);
  }
  const what = `newest ${newest} of 1,000,000 × FLAGS`;
  table.add({ what: `${what}, first time`, unit: 'ms', ours: taken[0] ?? NaN, target: { most: 20 } });
  table.add({ what, unit: 'ms', ours: median(taken), target: { most: 20 } });
  table.add({ what, unit: 'ms CPU', ours: (cpuMs(server.pid) - before) / fetches });
}

async function manySessions(table: Table, server: Running): Promise<void> {
  const before = rssBytes(server.pid);
  const clients: Client[] = [];
  for (let count = 0; count < sessions; count++) clients.push(await Client.open(server.port, global, 'Caught'));
  const ours = (rssBytes(server.pid) - before) / sessions / 1_000_000;
  table.add({ what: `session in 1,000,000 (${sessions} of them), memory each`, unit: 'MB', ours });
  for (const client of clients) client.close();
}

interface NoticeTimes {
  /** From the order of whoever causes it; medians. */
  EXISTS: number;
  EXPUNGE: number;
  /** Of the server, for an arrival, a move and the notices of both. */
  cpuMs: number;
}

/** A session in IDLE is told of mail that comes in for `user`, and that `user` moves it away. */
async function timeNotices(server: Running, login: Login): Promise<NoticeTimes> {
  const watching = await Client.open(server.port, login, 'Caught');
  let heard: (text: string) => void = () => undefined;
  await watching.idle((text) => heard(text));
  const told = (kind: string): Promise<number> =>
    new Promise((resolve) => (heard = (text) => text.includes(kind) && resolve(performance.now())));
  const sender = await RawSmtp.greet(server.lmtpPort, 'LHLO filter.example');
  const mover = await Client.open(server.port, user, 'Caught');
  const taken: { EXISTS: number[]; EXPUNGE: number[] } = { EXISTS: [], EXPUNGE: [] };
  const before = cpuMs(server.pid);
  for (let number = 0; number < notices; number++) {
    const arrives = told(' EXISTS');
    const sent = performance.now();
    await sender.pipeline('MAIL FROM:<sender@remote.example>', `RCPT TO:<${user.name}>`);
    await sender.data(Buffer.from(`Subject: notice ${number}\r\n\r\nNew.\r\n`));
    taken.EXISTS.push((await arrives) - sent);
    await mover.command('NOOP');
    const leaves = told(' EXPUNGE');
    const ordered = performance.now();
    await mover.command('MOVE * Spam');
    taken.EXPUNGE.push((await leaves) - ordered);
  }
  const spent = (cpuMs(server.pid) - before) / notices;
  sender.destroy();
  watching.close();
  mover.close();
  return { EXISTS: median(taken.EXISTS), EXPUNGE: median(taken.EXPUNGE), cpuMs: spent };
}
