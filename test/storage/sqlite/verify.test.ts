// Faults that are planted into a SQLite store, one by one, and found; nothing is found in a store that has none, also beside a writer.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import { verifyStore } from '../../../src/storage/verify-store.ts';
import type { Fault, Verification } from '../../../src/storage/verify-store.ts';
import { openMovableSqlite } from '../../../src/storage/sqlite/movable.ts';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import { insertMessage, newContent, ownerOf } from '../../helpers/messages.ts';
import { back, change, removed } from '../contract/changes.ts';
import { temporaryStore } from './temporary-store.ts';
import type { TemporaryStore } from './temporary-store.ts';

const content = newContent(`Subject: two chunks\r\n\r\n${'0123456789abcdef\r\n'.repeat(20_000)}`);

/** Two messages of alice, the second with a former number; one of a domain alone. */
async function fill(store: TemporaryStore): Promise<void> {
  const storage = await openSqlite(store.path, { log: store.log });
  await insertMessage(storage, { id: 'first', content });
  await insertMessage(storage, { id: 'second' });
  await insertMessage(storage, { id: 'third', owner: ownerOf('example.org'), view: 'outgoing' });
  await change(storage, 'second', removed());
  await change(storage, 'second', back());
  await storage.commit([], { scope: { role: 'global' }, mailbox: 'Release', count: 2 });
  await storage.close();
}

async function verify(path: string): Promise<{ faults: Fault[]; seen: Verification }> {
  const store = await openMovableSqlite(path, 'verify');
  const faults: Fault[] = [];
  try {
    const seen = await verifyStore(store.source, { onFault: (fault) => faults.push(fault) });
    assert.equal(seen.faults, faults.length);
    return { faults, seen };
  } finally {
    await store.close();
  }
}

interface Planted {
  name: string;
  sql: string;
  what: Fault['what'];
  /** Of the message, content, login or sequence. */
  id: string;
  fault: RegExp;
}

const ofFirst = `WHERE id = 'first'`;
const planted: Planted[] = [
  {
    name: 'a byte of a content changed',
    sql: `UPDATE chunks SET bytes = CAST(replace(CAST(bytes AS TEXT), 'two', 'tow') AS BLOB) WHERE position = 0`,
    what: 'content',
    id: content.digest,
    fault: /not those that it was stored with/,
  },
  {
    name: 'a piece of a content missing',
    sql: 'DELETE FROM chunks WHERE position = 1',
    what: 'content',
    id: content.digest,
    fault: /cannot be read: a chunk .* is missing/,
  },
  {
    name: 'a piece of a content cut short',
    sql: 'UPDATE chunks SET bytes = substr(bytes, 1, 9) WHERE position = 0',
    what: 'content',
    id: content.digest,
    fault: /cannot be read: a chunk .* is missing or incomplete/,
  },
  {
    name: 'a reading that is no JSON',
    sql: `UPDATE contents SET reading = '{' WHERE digest = '${content.digest}'`,
    what: 'content',
    id: content.digest,
    fault: /cannot be read/,
  },
  {
    name: 'a reading of something else',
    sql: `UPDATE contents SET reading = json_set(reading, '$.sizeBytes', 7) WHERE digest = '${content.digest}'`,
    what: 'content',
    id: content.digest,
    fault: /was read as one of 7/,
  },
  {
    name: 'what is prepared of a content missing',
    sql: `DELETE FROM prepared_structures WHERE content = (SELECT number FROM contents WHERE digest = '${content.digest}')`,
    what: 'content',
    id: content.digest,
    fault: /cannot be read: what is prepared/,
  },
  {
    name: 'a message that is listed with another content',
    sql: `UPDATE messages SET content_number = (SELECT content_number FROM messages WHERE id = 'second') ${ofFirst}`,
    what: 'store',
    id: '',
    fault: /message first: it is listed with another content/,
  },
  {
    name: 'a content missing',
    sql: `DELETE FROM contents WHERE digest = '${content.digest}'`,
    what: 'message',
    id: 'first',
    fault: /its content .* is missing/,
  },
  {
    name: 'a document that is no JSON',
    sql: `UPDATE messages SET document = 'x' ${ofFirst}`,
    what: 'message',
    id: 'first',
    fault: /cannot be read/,
  },
  ...(['due_at', 'leased_until', 'ended_at', 'held_since', 'revision'] as const).map((column): Planted => ({
    name: `${column} that does not follow from the document`,
    sql: `UPDATE messages SET ${column} = 12345 ${ofFirst}`,
    what: 'message',
    id: 'first',
    fault: new RegExp(`^${column} is 12345, expected `),
  })),
  ...(['open_jobs', 'seen_user', 'released'] as const).map((column): Planted => ({
    name: `${column} that does not follow from the document`,
    sql: `UPDATE messages SET ${column} = 1 ${ofFirst}`,
    what: 'message',
    id: 'first',
    fault: new RegExp(`^${column} is 1, expected 0`),
  })),
  {
    name: 'a message that its login is not shown',
    sql: `UPDATE messages SET shown_user = 0 ${ofFirst}`,
    what: 'message',
    id: 'first',
    fault: /^shown_user is 0, expected 1/,
  },
  {
    name: 'a message of another owner',
    sql: `UPDATE messages SET owner_address = 'bob@example.com' ${ofFirst}`,
    what: 'message',
    id: 'first',
    fault: /^owner_address is "bob@example.com", expected "alice@example.com"/,
  },
  {
    name: 'flags that are not those of the document',
    sql: `UPDATE messages SET flags_domain = '["\\Seen"]' ${ofFirst}`,
    what: 'message',
    id: 'first',
    fault: /^flags_domain is /,
  },
  {
    name: 'a held message without a number',
    sql: `UPDATE messages SET ordinal_domain = NULL, modseq_domain = NULL ${ofFirst}`,
    what: 'message',
    id: 'first',
    fault: /has no number in example\.com/,
  },
  {
    name: 'a number above its sequence',
    sql: `UPDATE sequences SET last_ordinal = 2 WHERE key = 'example.com'`,
    what: 'message',
    id: 'second',
    fault: /its number 3 is above 2, the last of example\.com/,
  },
  {
    name: 'a former number above its sequence',
    sql: `UPDATE gone SET ordinal = 77 WHERE sequence = 'example.com'`,
    what: 'message',
    id: 'second',
    fault: /its former number 77 is above 3/,
  },
  {
    name: 'a sequence that is not there',
    sql: `DELETE FROM sequences WHERE key = 'example.org'`,
    what: 'message',
    id: 'third',
    fault: /its number 1 is above 0, the last of example\.org/,
  },
  {
    name: 'UIDNEXT of a login that is not above its mail',
    sql: `UPDATE mailboxes SET last_ordinal = 2 WHERE login = 'alice@example.com'`,
    what: 'message',
    id: 'second',
    fault: /its number 3 is not below UIDNEXT of caught of alice@example\.com/,
  },
  {
    name: 'UIDNEXT of global that is not above its mail',
    sql: `DELETE FROM mailboxes WHERE login = '' AND view = 'outgoing'`,
    what: 'message',
    id: 'third',
    fault: /is not below UIDNEXT of outgoing of global/,
  },
  {
    name: 'UIDNEXT above the sequence',
    sql: `UPDATE mailboxes SET last_ordinal = 99 WHERE login = 'alice@example.com'`,
    what: 'numbers',
    id: 'alice@example.com',
    fault: /UIDNEXT of caught is above the last number of example\.com/,
  },
  {
    name: 'a number that is no UID any more',
    sql: `UPDATE sequences SET uid_base = 1 WHERE key = 'example.com'`,
    what: 'message',
    id: 'first',
    fault: /its number 1 in example\.com is no UID any more/,
  },
  {
    name: 'a UIDVALIDITY of 0',
    sql: `UPDATE sequences SET uid_validity = 0 WHERE key = ''`,
    what: 'numbers',
    id: 'global',
    fault: /UIDVALIDITY 0 is none/,
  },
  {
    name: 'a UIDVALIDITY of 0 of a drop folder',
    sql: 'UPDATE drops SET uid_validity = 0',
    what: 'numbers',
    id: 'global',
    fault: /UIDVALIDITY 0 of Release is none/,
  },
  {
    name: 'two messages with one number',
    sql: `UPDATE messages SET ordinal_global = 1 WHERE id = 'second'`,
    what: 'store',
    id: '',
    fault: /number 1 of global belongs to several messages: (first, second|second, first)/,
  },
  {
    name: 'a content that believes in more messages than refer to it',
    sql: `UPDATE contents SET referrers = 5 WHERE digest = '${content.digest}'`,
    what: 'store',
    id: '',
    fault: new RegExp(`content ${content.digest}: the number of messages that refer to it is wrong`),
  },
  {
    name: 'pieces of a content that is not there',
    sql: `INSERT INTO chunks VALUES (9999, 0, x'00')`,
    what: 'store',
    id: '',
    fault: /1 pieces of contents that are not there/,
  },
];

describe('store verify', () => {
  let filled: TemporaryStore;
  before(async () => {
    filled = temporaryStore();
    await fill(filled);
  });
  after(() => filled[Symbol.dispose]());

  /** A store of its own with the same mail. */
  const copied = (): TemporaryStore => {
    const store = temporaryStore();
    copyFileSync(filled.path, store.path);
    return store;
  };

  test('finds no fault in a store that has none, and tells what it looked at', async () => {
    using store = copied();
    const { faults, seen } = await verify(store.path);
    assert.deepEqual(faults, []);
    assert.deepEqual([seen.messages, seen.contents], [3, 3]);
    assert.ok(seen.contentBytes > content.bytes.length);
  });

  for (const { name, sql, what, id, fault } of planted) {
    test(`finds ${name}`, async () => {
      using store = copied();
      const connection = store.connect();
      connection.database.exec('PRAGMA foreign_keys = OFF');
      assert.ok(connection.run(sql) > 0, 'the fault was planted');
      connection.close();
      const { faults } = await verify(store.path);
      assert.ok(
        faults.some((each) => each.what === what && each.id === id && fault.test(each.fault)),
        JSON.stringify(faults, null, 1),
      );
    });
  }

  test('finds a modseq above its sequence', async () => {
    using store = copied();
    const connection = store.connect();
    connection.run(`UPDATE sequences SET modseq = modseq - 1 WHERE key = 'example.org'`);
    connection.close();
    const { faults } = await verify(store.path);
    assert.deepEqual(
      faults.map(({ what, id }) => [what, id]),
      [['message', 'third']],
    );
    assert.match(faults[0]?.fault ?? '', /^its modseq \d+ is above \d+, that of example\.org$/);
  });

  test('tells of pages that the disk has spoilt, and goes on with what can be read', async () => {
    let readable = 0;
    for (let page = 2; page < 40; page += 3) {
      using store = copied();
      const bytes = readFileSync(store.path);
      if (bytes.length <= page * 4096) break;
      bytes.fill(0xa5, page * 4096, page * 4096 + 600);
      writeFileSync(store.path, bytes);
      try {
        const { faults, seen } = await verify(store.path);
        assert.ok(faults.length > 0, `page ${page}`);
        if (seen.messages && seen.contents) readable++;
      } catch (error) {
        // Where the schema itself is gone.
        assert.ok(error instanceof TemporaryError, String(error));
      }
    }
    assert.ok(readable > 3, `${readable} of them could be read in part`);
  });

  test('finds none beside a server that goes on writing', async () => {
    using store = copied();
    const storage = await openSqlite(store.path, { log: store.log });
    let writing = true;
    const written = (async () => {
      for (let i = 0; writing; i++) {
        const { id } = await insertMessage(storage, { id: `w${i}` });
        await change(storage, id, removed());
        await change(storage, id, back());
      }
    })();
    try {
      for (let i = 0; i < 3; i++) assert.deepEqual((await verify(store.path)).faults, []);
    } finally {
      writing = false;
      await written;
      await storage.close();
    }
  });
});
