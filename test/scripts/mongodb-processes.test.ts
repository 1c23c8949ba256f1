// The run with three processes (scripts/mongodb/processes.ts) says who stands still, instead of waiting for ever. Time is moved by hand.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { judge } from '../../scripts/mongodb/processes/counts.ts';
import { openJournal } from '../../scripts/mongodb/processes/journal.ts';
import type { Journal } from '../../scripts/mongodb/processes/journal.ts';
import { dragMail, handInMail } from '../../scripts/mongodb/processes/load.ts';
import type { LoadOptions } from '../../scripts/mongodb/processes/load.ts';
import { seededRandom } from '../helpers/seeded-random.ts';

async function until(isReached: () => boolean): Promise<void> {
  while (!isReached()) await turn();
}

const clients: Record<string, (port: number, options: LoadOptions) => Promise<void>> = {
  'who hands mail in': handInMail,
  'who drags it': (port, options) => dragMail(port, { login: 'alice@example.com', password: 'x' }, options),
};

describe('a client of the run,', () => {
  for (const [who, work] of Object.entries(clients)) {
    /** Its work at a server that does this with each connection, until that server has seen two of them or the time is over. */
    const workAt = async (serve: (socket: Socket) => void, pass: (journal: Journal) => void): Promise<Journal> => {
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        sockets.push(socket.on('error', () => undefined));
        serve(socket);
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const [journal, stop] = [openJournal(), new AbortController()];
      const options = { journal, random: seededRandom(1), signal: stop.signal, pauseMs: 1 };
      const working = work((server.address() as AddressInfo).port, options);
      await until(() => sockets.length > 0);
      while (!journal.unanswered.length && sockets.length < 2) {
        pass(journal);
        await turn();
      }
      stop.abort();
      for (const socket of sockets) socket.destroy();
      let isDone = false;
      void working.then(() => (isDone = true));
      while (!isDone) {
        pass(journal);
        await turn();
      }
      server.close();
      return journal;
    };

    test(`${who}, notes a server that takes its connection and says nothing`, async ({ mock }) => {
      mock.timers.enable({ apis: ['setTimeout'] });
      let passed = 0;
      const journal = await workAt(
        () => undefined,
        ({ unanswered }) => {
          if (passed < 60_000) assert.deepEqual(unanswered, []);
          mock.timers.tick(1_000);
          passed += 1_000;
        },
      );
      assert.match(journal.unanswered[0] ?? '', /: no answer to its connection within 60 s$/);
      const { broken } = judge({ journal, instances: [], deliveries: [], reports: [], stored: new Map() });
      assert.ok(broken.includes(journal.unanswered[0] ?? ''));
    });

    test(`${who}, takes a cut connection for ordinary and comes again`, async () => {
      const journal = await workAt(
        (socket) => socket.destroy(),
        () => undefined,
      );
      assert.deepEqual(journal.unanswered, []);
    });
  }
});

test('a process of the run that does not start in time is named, with what it logged last', async ({ mock }) => {
  const directory = await mkdtemp(join(tmpdir(), 'lazaretto-test-'));
  process.env.TEST_LAUNCHER = join(directory, 'standing-still.js');
  await writeFile(
    process.env.TEST_LAUNCHER,
    `console.log(JSON.stringify({ level: 30, msg: 'waiting for the store' }));\nsetInterval(() => undefined, 1_000);\n`,
  );
  // It reads the variable when it is loaded.
  const { Cluster } = await import('../../scripts/mongodb/processes/cluster.ts');
  delete process.env.TEST_LAUNCHER;
  const options = { directory, store: 'sqlite:none', nextHop: 'smtp://127.0.0.1:9', controller: 'http://127.0.0.1:9' };
  const cluster = await Cluster.prepare(options, ['b']);
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const started = cluster.start('b');
    started.catch(() => undefined);
    await until(() => cluster.instances[0]?.log.length === 1);
    mock.timers.tick(60_000);
    await assert.rejects(started, /\(b\) did not start within 60 s; it logged last:\n.*waiting for the store/);
  } finally {
    await cluster.stop('b', 'SIGKILL');
    await rm(directory, { recursive: true });
  }
});
