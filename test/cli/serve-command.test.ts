import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { launcher, openLazaretto } from './lazaretto-process.ts';

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
