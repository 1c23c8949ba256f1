// The part of haproxy.sh that serves, and connects through HAProxy as several clients. All of 127.0.0.0/8 is this machine, so each client
// has an address of its own that HAProxy's is not.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { startServer } from '../../src/main.ts';
import type { RunningServer } from '../../src/main.ts';
import { defaultSettings } from '../../src/settings.ts';
import type { Settings } from '../../src/settings.ts';
import { addLogin } from '../../test/helpers/logins.ts';
import { openTestQuarantine } from '../../test/helpers/quarantine.ts';
import type { LogLine } from '../../test/helpers/quarantine.ts';
import { RawImap } from '../../test/helpers/raw-imap.ts';
import { RawSmtp } from '../../test/helpers/raw-smtp.ts';
import { sampleMail } from '../../test/helpers/server.ts';

const [stats = '', ...ports] = process.argv.slice(2);
const [front, a, b] = ports.map((list) => {
  const [imaps = 0, imap = 0, lmtp = 0] = list.split(',').map(Number);
  return { imaps, imap, lmtp };
});
assert.ok(front && a && b);

const login = 'alice@example.com';
const right = 'Correct horse 7';
const filter = '127.0.0.9';
const test = await openTestQuarantine();
await addLogin(test.quarantine, login, right);

function settingsFor({ imaps, imap, lmtp }: typeof a & object): Settings {
  const defaults = defaultSettings(test.directory);
  const listener = { address: '127.0.0.1', proxyProtocol: true };
  return {
    ...defaults,
    hostname: 'quarantine.example.test',
    roles: ['imap', 'intake'],
    http: { address: '127.0.0.1', port: 0 },
    imap: {
      ...defaults.imap,
      listen: [
        { ...listener, port: imaps, tls: 'implicit' },
        { ...listener, port: imap, tls: 'starttls' },
      ],
    },
    intake: [{ ...listener, protocol: 'lmtp', port: lmtp, folder: 'caught', allow: [filter] }],
  };
}

/** HAProxy's own opinion and what its last check found, as `imaps/a` → `UP L7OK`. */
async function states(): Promise<Map<string, string>> {
  const socket = connect(stats);
  socket.end('show stat\n');
  const rows = (await text(socket)).split('\n').map((line) => line.split(','));
  const names = rows[0] ?? [];
  const column = (name: string): number => names.indexOf(name);
  const [status, check] = [column('status'), column('check_status')];
  return new Map(rows.slice(1).map((row) => [`${row[0]}/${row[1]}`, `${row[status]} ${row[check]}`]));
}

async function becomes(server: 'a' | 'b', state: RegExp): Promise<void> {
  let last = '';
  for (let tries = 0; tries < 200; tries++) {
    const found = await states();
    const own = ['imaps', 'imap', 'lmtp'].map((proxy) => found.get(`${proxy}/${server}`) ?? '');
    last = own.join(', ');
    if (own.every((one) => state.test(one))) return;
    await wait(100);
  }
  throw new Error(`HAProxy calls server ${server} ${last} after 20 seconds`);
}

function lines(event: string): LogLine[] {
  return test.logged.filter(({ fields }) => fields['event'] === event);
}

const imaps = (from: string): Promise<RawImap> => RawImap.connect(front.imaps, { localAddress: from });
const starttls = (from: string): Promise<RawImap> =>
  RawImap.connect(front.imap, { localAddress: from, tls: 'starttls' });
const lmtp = (from: string): Promise<RawSmtp> => RawSmtp.connect(front.lmtp, { localAddress: from });

async function logsIn(client: RawImap, from: string): Promise<void> {
  assert.equal((await client.login(login, right)).status, 'OK');
  const line = lines('login').at(-1);
  assert.deepEqual([line?.fields['login'], line?.fields['remoteAddress']], [login, from]);
  console.log(`  ${from}: ${line?.text}, ${JSON.stringify(line?.fields)}`);
}

let [first, second]: (RunningServer | undefined)[] = [];
try {
  console.log('the login line names the client: IMAPS, STARTTLS');
  first = await startServer(settingsFor(a), test.quarantine);
  await becomes('a', /^UP L7OK$/);
  const session = await imaps('127.0.0.5');
  await logsIn(session, '127.0.0.5');
  await logsIn(await starttls('127.0.0.6'), '127.0.0.6');

  console.log('wrong passwords hold up the one who guesses, and nobody else');
  const guesser = await imaps('127.0.0.7');
  for (let guess = 1; guess <= 5; guess++) {
    const { code } = await guesser.login(login, `wrong ${guess}`);
    assert.equal(code, 'AUTHENTICATIONFAILED');
  }
  const again = await (await starttls('127.0.0.7')).login(login, 'wrong 6');
  console.log(`  127.0.0.7: ${again.status} ${again.text}`);
  assert.notEqual(again.code, 'AUTHENTICATIONFAILED');
  await logsIn(await imaps('127.0.0.8'), '127.0.0.8');

  console.log('allow counts the client: LMTP');
  const allowed = await lmtp(filter);
  await allowed.pipeline('LHLO filter.example', 'MAIL FROM:<a@remote.example>', `RCPT TO:<${login}>`);
  const [kept = ''] = await allowed.data(sampleMail('Through HAProxy'));
  console.log(`  ${filter}: ${kept}`);
  assert.match(kept, /^250 /);
  const { greeting } = await lmtp('127.0.0.10');
  console.log(`  127.0.0.10: ${greeting}`);
  assert.match(greeting, /^554 /);
  assert.equal(lines('reject').at(-1)?.fields['client'], '127.0.0.10');

  console.log("HAProxy's checks are no noise in the log");
  const loud = test.logged.filter(({ level }) => level === 'warn' || level === 'error');
  assert.deepEqual(
    loud.filter(({ fields }) => fields['client'] !== '127.0.0.10' && fields['remoteAddress'] !== '127.0.0.7'),
    [],
  );
  assert.deepEqual(lines('proxy'), []);

  console.log('a client that goes round HAProxy is closed, and the log says so');
  await assert.rejects(RawImap.connect(a.imaps));
  console.log(`  ${JSON.stringify(lines('proxy').at(-1)?.fields)}`);
  assert.equal(lines('proxy').length, 1);

  console.log('a server that goes away says so, and HAProxy sends everybody to the other one');
  second = await startServer(settingsFor(b), test.quarantine);
  await becomes('b', /^UP L7OK$/);
  await session.command('SELECT Caught');
  await session.idle();
  const closing = first.close();
  const farewell = await session.read();
  console.log(`  127.0.0.5: ${farewell}`);
  assert.match(farewell, /^\* BYE /);
  await closing;
  await becomes('a', /^DOWN L4CON$/);
  for (const come of [imaps, starttls]) {
    const client = await come('127.0.0.5');
    await logsIn(client, '127.0.0.5');
    assert.ok((await client.command('SELECT Caught')).untagged.includes('* 1 EXISTS'));
  }
  assert.match((await lmtp(filter)).greeting, /^220 /);
} finally {
  await Promise.all([first?.close(), second?.close()]);
  await test.close();
}
