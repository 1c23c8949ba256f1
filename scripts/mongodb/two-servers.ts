// Two servers on one store, as two processes have it: `near` takes mail and serves mail programs, `far` does everything, and its way to the
// store can be cut. For tests of what one hears of the other.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startServer } from '../../src/main.ts';
import type { Listening, RunningServer } from '../../src/main.ts';
import { openDomainDirectory } from '../../src/quarantine/domains.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { startFarEnd } from '../../test/helpers/far-end.ts';
import type { FarEnd } from '../../test/helpers/far-end.ts';
import { addLogin } from '../../test/helpers/logins.ts';
import { openTestQuarantine } from '../../test/helpers/quarantine.ts';
import type { LogLine } from '../../test/helpers/quarantine.ts';
import { RawImap } from '../../test/helpers/raw-imap.ts';
import { RawSmtp } from '../../test/helpers/raw-smtp.ts';
import { password, sampleMail, testSettings } from '../../test/helpers/server.ts';
import { startRelay } from './relay.ts';
import type { Relay } from './relay.ts';

export const login = 'alice@example.com';

export interface Server {
  port(name: Listening['name']): number;
  /** Logged in, with Caught open. */
  open(): Promise<RawImap>;
  /** The reply to the message. */
  handIn(subject: string): Promise<string>;
}

export interface TwoServers extends AsyncDisposable {
  near: Server;
  far: Server;
  /** Between `far` and the store. */
  relay: Relay;
  farEnd: FarEnd;
  logged: LogLine[];
}

export async function startTwoServers(): Promise<TwoServers> {
  await using started = new AsyncDisposableStack();
  const farEnd = await startFarEnd();
  started.defer(() => farEnd.close());
  const test = started.use(await openTestQuarantine({ deliverTo: farEnd.url }));
  await addLogin(test.quarantine, login, password);
  const settings = testSettings(test.directory, farEnd.url);
  const near = await startServer({ ...settings, roles: ['imap', 'intake'] }, test.quarantine);
  started.defer(() => near.close());

  const url = new URL(test.storeUrl);
  const relay = await startRelay(Number(url.port));
  started.defer(() => relay.close());
  url.port = String(relay.port);
  // So that a store that is gone is a fact soon; the driver looks whether it is back every 500 ms, and must get to it within this.
  url.searchParams.set('serverSelectionTimeoutMS', '1500');
  const storage = await openStorage(url.href, { log: test.quarantine.log });
  started.defer(() => storage.close());
  const far = await startServer(
    { ...settings, dataDir: join(test.directory, 'far') },
    { ...test.quarantine, storage, domains: await openDomainDirectory(storage) },
  );
  started.defer(() => far.close());
  // What the end of a test waits for is behind it.
  started.defer(async () => relay.mend());
  const clients: RawImap[] = [];
  started.defer(async () => void (await Promise.all(clients.map((client) => client.close()))));
  const kept = started.move();
  return {
    near: serverOf(near, clients),
    far: serverOf(far, clients),
    relay,
    farEnd,
    logged: test.logged,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function serverOf({ listening }: RunningServer, clients: RawImap[]): Server {
  const port = (name: Listening['name']): number => {
    const found = listening.find((one) => one.name === name);
    assert.ok(found, `the server has no ${name}`);
    return found.port;
  };
  return {
    port,
    async open() {
      const client = await RawImap.connect(port('IMAPS'));
      clients.push(client);
      assert.equal((await client.login(login, password)).status, 'OK');
      assert.equal((await client.command('SELECT Caught')).status, 'OK');
      return client;
    },
    async handIn(subject) {
      const client = await RawSmtp.greet(port('LMTP'), 'LHLO filter.example');
      await client.pipeline('MAIL FROM:<sender@remote.example>', `RCPT TO:<${login}>`);
      const [reply = ''] = await client.data(sampleMail(subject));
      await client.quit();
      return reply;
    },
  };
}
