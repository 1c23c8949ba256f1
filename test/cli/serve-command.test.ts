import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { RawSmtp } from '../helpers/raw-smtp.ts';
import { launcher, openLazaretto } from './lazaretto-process.ts';
import type { Lazaretto } from './lazaretto-process.ts';

const quiet = 'roles: [imap]\nimap: { listen: [ { address: 127.0.0.1, port: 0 } ] }\nhttp: { port: 0 }\n';

test('without a command it serves, logs JSON lines, and ends in good order when told to', async () => {
  await using lazaretto = await openLazaretto(quiet);
  const child = spawn(process.execPath, [launcher], { cwd: lazaretto.directory, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const events: unknown[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const fields = JSON.parse(line) as { event?: string; listening?: { name: string; port: number }[] };
    events.push(fields.event);
    if (fields.event !== 'started') continue;
    assert.equal(fields.listening?.[0]?.name, 'IMAPS');
    assert.ok((fields.listening?.[0]?.port ?? 0) > 0);
    child.kill('SIGTERM');
    // As npm does with Ctrl-C: the same signal twice must not cut the good order short.
    child.kill('SIGTERM');
  }
  assert.deepEqual(await ended, [0, null]);
  assert.equal(events.at(-1), 'stopped');
});

/** A server with one LMTP door, and a client that has sent half a message when it is ready. */
async function serveHalfMessage(lazaretto: Lazaretto): Promise<{ child: ChildProcess; client: RawSmtp }> {
  assert.equal(
    (await lazaretto.runAlone(['domain', 'add', 'example.com', '--deliver-to', 'smtp://127.0.0.1:9'])).code,
    0,
  );
  const child = spawn(process.execPath, [launcher], { cwd: lazaretto.directory, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { listening } = JSON.parse(line) as { listening?: { name: string; port: number }[] };
    const door = listening?.find(({ name }) => name === 'LMTP');
    if (!door) continue;
    const client = await RawSmtp.greet(door.port, 'LHLO filter.example');
    await client.pipeline('MAIL FROM:<sender@remote.example>', 'RCPT TO:<alice@example.com>', 'DATA');
    client.write('Subject: half');
    // Breaking out closes the pipe otherwise, and with it the log of the server.
    child.stdout.resume();
    return { child, client };
  }
  throw new Error('the server ended before it was ready');
}

const oneDoor = 'roles: [intake]\nhttp: { port: 0 }\nintake: [ { protocol: lmtp, port: 0 } ]\n';

test('told to stop, it takes the message that is arriving, and ends with success', async () => {
  await using lazaretto = await openLazaretto(oneDoor);
  const { child, client } = await serveHalfMessage(lazaretto);
  const ended = once(child, 'exit');
  const port = client.socket.remotePort ?? 0;
  child.kill('SIGTERM');
  const isOpen = (): Promise<boolean> =>
    RawSmtp.connect(port).then(
      (other) => (other.destroy(), true),
      () => false,
    );
  while (await isOpen());
  client.write(' and whole\r\n\r\n.\r\n');
  assert.match(await client.reply(), /^250 /);
  assert.match(await client.reply(), /^421 4\.3\.2 /);
  assert.deepEqual(await ended, [0, null]);
  const { stdout } = await lazaretto.runAlone(['message', 'list', '--json']);
  assert.match(stdout, /half and whole/);
});

test('told twice, it ends at once', async () => {
  await using lazaretto = await openLazaretto(oneDoor);
  const { child, client } = await serveHalfMessage(lazaretto);
  const ended = once(child, 'exit');
  // Soon after the first it is taken for the same one, so it is repeated until it counts.
  const impatience = setInterval(() => child.kill('SIGTERM'), 50);
  assert.deepEqual(await ended, [130, null]);
  clearInterval(impatience);
  await client.closed();
  assert.equal(client.unread, '');
});

test('a port that is taken is told in one sentence, and nothing is left running', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' ? address?.port : 0;
  await using lazaretto = await openLazaretto(quiet.replace('port: 0', `port: ${port}`));
  const { code, stderr } = await lazaretto.runAlone(['serve']);
  taken.close();
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `lazaretto: Port ${port} of 127.0.0.1 cannot be opened: another program listens there already.\n`,
  );
});
