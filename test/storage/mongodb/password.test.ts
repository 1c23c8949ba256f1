// The password in a MongoDB connection string is in no text and no log line, however the string is wrong and whatever goes wrong with it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Log } from '../../../src/quarantine/ports.ts';
import { openMovable } from '../../../src/storage/open-movable.ts';
import { checkStoreUrl, openStorage } from '../../../src/storage/open-storage.ts';
import { scriptedServer } from './scripted-server.ts';

const password = 's3cr3tpw';

function notingLog(): { log: Log; lines: unknown[] } {
  const lines: unknown[] = [];
  const note = (...line: unknown[]): void => void lines.push(line);
  return { log: { debug: note, info: note, warn: note, error: note }, lines };
}

/** What is rejected with, with its causes and all that hangs on them. */
async function rejection(work: () => Promise<unknown>): Promise<Error> {
  let error: unknown;
  await assert.rejects(work, (rejected) => Boolean((error = rejected)));
  assert.ok(error instanceof Error);
  return error;
}

const keeps = (shown: unknown): void =>
  assert.doesNotMatch(inspect(shown, { depth: 12, showHidden: true, maxStringLength: null }), new RegExp(password));

test('a connection string that is wrong is refused without its password', async () => {
  const wrong = [
    `mongodb://user:${password}/lazaretto`,
    `mongodb://user:${password}@@db1/lazaretto`,
    `mongodb://user:/${password}@db1/lazaretto`,
    `mongodb://us:er:${password}@db1/lazaretto`,
    `mongodb://user:%3${password}@db1/lazaretto`,
    `mongodb://user:#${password}@db1/lazaretto`,
    `mongodb://user:${password}@db1:99999/lazaretto`,
    `mongodb://user:${password}@db1/lazaretto?nonsense=1`,
    `mongodb://user:${password}@db1/lazaretto?authMechanism=${password}`,
    `mongodb+srv://user:${password}@db1:27017/lazaretto`,
    `mongodb:/user:${password}@db1/lazaretto`,
    `mongo://user:${password}@db1/lazaretto`,
  ];
  for (const url of wrong) {
    const error = await rejection(() => checkStoreUrl(url));
    assert.match(error.message, /mongodb:\/\/(HOST|host1)/, url);
    keeps(error);
  }
});

test('what is wrong is said where that tells nothing of the password', async () => {
  const error = await rejection(() => checkStoreUrl(`mongodb://user:${password}@db1/lazaretto?nonsense=1`));
  assert.match(error.message, /option nonsense is not supported/);
});

test('a store that is out of reach or refuses the login is complained of without its password', async (t) => {
  const refused = { ok: 0, code: 18, codeName: 'AuthenticationFailed', errmsg: 'Authentication failed.' };
  const server = await scriptedServer(() => refused);
  t.after(() => server.close());
  const url = server.url.replace('//', `//user:${password}@`);
  const nowhere = `mongodb://user:${password}@127.0.0.1:1/lazaretto?serverSelectionTimeoutMS=50`;
  const { log, lines } = notingLog();
  for (const store of [url, nowhere]) {
    for (const open of [() => openStorage(store, { log }), () => openMovable(store, 'source')]) {
      const error = await rejection(open);
      if (store === url) assert.match(error.message, /refuses the login/);
      else assert.ok(error instanceof TemporaryError);
      keeps([error.message, error.stack, error.cause]);
    }
  }
  keeps(lines);
});
