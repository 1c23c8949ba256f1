// Every statement of the driver is asked for its plan: none may walk through all messages, and a mailbox opens from an index alone.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Message } from '../../../src/quarantine/message.ts';
import { scopeOfLogin } from '../../../src/quarantine/scope.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { inSnapshot } from '../../../src/storage/sqlite/connection.ts';
import type { Connection } from '../../../src/storage/sqlite/connection.ts';
import { toSentReading } from '../../../src/storage/sqlite/prepared.ts';
import { readerOperations } from '../../../src/storage/sqlite/reader.ts';
import { largestUid } from '../../../src/storage/shown.ts';
import { writerOperations } from '../../../src/storage/sqlite/writer.ts';
import { arrivedAt, newContent, newMessage } from '../../helpers/messages.ts';
import { temporaryStore } from './temporary-store.ts';
import type { TemporaryStore } from './temporary-store.ts';

type Names<T> = (keyof T & string)[];

/** Each value once alone and once with the others. */
const packedQueries = [['envelope'], ['listHeader'], ['envelope', 'bodyStructure', 'listHeader'], []] as const;
const packedContents = ['content', 'envelope'] as const;

const scopes = ['global', 'example.com', 'alice@example.com'].map(scopeOfLogin);

describe('the plan of', () => {
  let store: TemporaryStore;
  let connection: Connection;
  let statements: string[];
  const called = new Set<string>();

  before(() => {
    store = temporaryStore();
    connection = store.connect();
    const known = connection.statements();
    write(connection, called);
    inSnapshot(connection, () => read(connection, called));
    statements = connection.statements().filter((sql) => !known.includes(sql) && !sql.startsWith('PRAGMA'));
  });
  after(() => store[Symbol.dispose]());

  test('each operation is looked at', () => {
    const all = [...Object.keys(readerOperations), ...Object.keys(writerOperations)];
    assert.deepEqual([...called].sort(), all.sort());
    assert.ok(statements.length > 80, String(statements.length));
  });

  test('every statement finds its rows by an index', () => {
    // Newest orders first, up to a limit: reads that index, which holds nothing else, from its end.
    const byOrder = /^SCAN messages USING INDEX messages_(ordered|open)$/;
    // Once in the life of a restored store, each sequence and each drop folder.
    const ofAll = (sql: string): boolean => /AS highest|^UPDATE (sequences|drops) SET uid_validity/.test(sql);
    for (const sql of statements.filter((each) => !ofAll(each)))
      for (const step of plan(connection, sql).filter((each) => !byOrder.test(each)))
        assert.doesNotMatch(
          step,
          /^SCAN (messages|contents|prepared_structures|prepared_headers|chunks|gone|mailboxes|sequences|drops)/,
          `${step}\n${sql}`,
        );
  });

  test('opening and counting read an index and no message', () => {
    for (const role of ['global', 'domain', 'user']) {
      for (const [index, start] of [
        [`shown_to_${role}`, 'SELECT count(*) AS count, group_concat'],
        [`flagged_for_${role}`, 'SELECT flags, count(*) AS count, group_concat'],
        [`shown_to_${role}`, 'SELECT count(*) AS messages'],
      ] as const) {
        const own = statements.filter((sql) => sql.includes(`INDEXED BY ${index}`));
        const [sql] = own.filter((each) => each.replace(/\s+/g, ' ').startsWith(start));
        assert.ok(sql, `${role}: ${start}`);
        const steps = plan(connection, sql).join('\n');
        assert.match(steps, new RegExp(`USING COVERING INDEX ${index}`), sql);
        assert.doesNotMatch(steps, /TEMP B-TREE/, sql);
      }
    }
  });

  test('a list with prepared values reads an index and those values, and no message', () => {
    for (const role of ['global', 'domain', 'user']) {
      const lists = statements.filter((sql) => sql.includes('AS packed') && sql.includes(`shown_to_${role}`));
      assert.equal(lists.length, packedQueries.length);
      for (const sql of lists) {
        const steps = plan(connection, sql).join('\n');
        assert.match(steps, /SEARCH messages USING COVERING INDEX shown_to_/, sql);
        assert.doesNotMatch(steps, /TEMP B-TREE|SCAN prepared_/, sql);
      }
      const [contents, ...others] = statements.filter(
        (sql) => sql.includes('chunks') && sql.includes(`shown_to_${role}`),
      );
      assert.ok(contents);
      assert.deepEqual(others, []);
      const steps = plan(connection, contents).join('\n');
      assert.match(steps, /SEARCH messages USING COVERING INDEX shown_to_.*\n.*SEARCH chunks/, contents);
      assert.doesNotMatch(steps, /TEMP B-TREE/, contents);
    }
  });

  test('what is due, leased, held or ended is read in the order of its index', () => {
    const ordered = statements.filter((sql) => /INDEXED BY messages_(due|open|ordered|ended|leased)\b/.test(sql));
    assert.ok(ordered.length >= 6);
    for (const sql of ordered) assert.doesNotMatch(plan(connection, sql).join('\n'), /TEMP B-TREE/, sql);
  });
});

function plan({ database }: Connection, sql: string): string[] {
  return database
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail));
}

function write(connection: Connection, called: Set<string>): void {
  const operations = noting(writerOperations, called);
  const write = { connection, uidLimit: largestUid };
  const { bytes, reading, digest } = newContent();
  const content = { digest, bytes, reading: toSentReading(reading) };
  const ids = ['m1', 'm2', 'm3'];
  const documents = ids.map((id) => ({ ...newMessage(), id, digest, revision: 0 }) satisfies Message);
  const arrival = { content, searched: ids, now: arrivedAt };
  operations.insert(write, { ...arrival, documents: documents.map((each) => JSON.stringify(each)), skipKnown: false });
  operations.insert(write, { ...arrival, documents: [JSON.stringify({ ...documents[0], id: 'm4' })], skipKnown: true });
  const changed = (revision: number, change: (message: Message) => Partial<Message>) => ({
    changes: documents.map((message) => ({
      id: message.id,
      basedOn: revision - 1,
      document: JSON.stringify({ ...message, ...change(message), revision }),
    })),
    drop: { scope: { role: 'global' } as const, mailbox: 'Release', count: 1 },
  });
  operations.commit(
    write,
    changed(1, ({ holding }) => ({ holding: holding + 1 })),
  );
  // As if the numbers of both sequences had run out.
  operations.commit(
    { connection, uidLimit: 8 },
    changed(2, () => ({ marks: ['$Released'] })),
  );
  operations.commit(
    write,
    changed(3, () => ({ visibleTo: [], contentReleased: true })),
  );
  operations.commit(
    write,
    changed(4, () => ({ visibleTo: ['global'], contentReleased: false, holding: 7 })),
  );
  operations.commit(
    write,
    changed(5, () => ({ visibleTo: [], contentReleased: true })),
  );
  operations.forget(write, [{ id: 'm1', revision: 5 }]);
  operations.keepContent(write, { content, now: 1 });
  operations.keepContent(write, { content: { ...content, digest: 'x' }, now: 1 });
  operations.markContents(write, { now: 2 * arrivedAt, graceMs: 1 });
  operations.deleteMarkedContents(write, { now: 3 * arrivedAt, graceMs: 1 });
  operations.removeChunks(write);
  operations.moveOlderReadings(write);
  const domain = { name: 'a.example', deliverTo: 'mx', subaddress: '', recipients: null, retentionMs: null };
  operations.putDomain(write, { ...domain, aliases: ['b.example'], quarantine: true, quarantineOff: [] });
  operations.removeDomain(write, 'a.example');
  operations.putAccount(write, { name: 'global', passwordHash: '', createdAt: 0 });
  operations.markGreeted(write, { name: 'global', createdAt: 0, at: 0 });
  operations.removeAccount(write, 'global');
  operations.markRestored(write);
  operations.raiseUidValidity(write);
  operations.settled(write);
}

function read(connection: Connection, called: Set<string>): void {
  const operations = noting(readerOperations, called);
  for (const scope of scopes) {
    const mailbox = { scope, view: 'caught' as const };
    operations.openMailbox(connection, mailbox);
    operations.mailboxStatus(connection, mailbox);
    operations.dropStatus(connection, { scope, mailbox: 'Release' });
    operations.changesSince(connection, { ...mailbox, since: 0 });
    operations.list(connection, { ...mailbox, ranges: [{ from: 1, to: 9 }], limit: 10 });
    for (const values of [...packedQueries, packedContents]) {
      const query = { values, also: ['flags', 'sizeBytes', 'internalDates'] as const, limit: 10 };
      operations.listPacked(connection, { ...mailbox, ranges: [{ from: 1, to: 9 }], query, memory: null });
    }
    operations.readings(connection, { scope, ids: ['m2'] });
    operations.content(connection, { scope, id: 'm2', start: 0, end: 10 });
    operations.messagesByUid(connection, { ...mailbox, uids: [1, 2] });
    search(connection, operations, scope);
  }
  operations.getDocument(connection, 'm2');
  operations.contentOf(connection, 'm2');
  for (const exceptTargets of [[], ['rspamd']])
    operations.due(connection, { now: 1, limit: 1, exceptDomains: ['a.example'], exceptTargets });
  operations.nextDueAt(connection);
  operations.leased(connection, { now: 1, limit: 1 });
  for (const ended of [true, false]) operations.withJobs(connection, { ended, limit: 1 });
  const held = { view: 'caught' as const, before: 1, exceptDomains: ['a.example'], limit: 1 };
  for (const domain of [undefined, 'example.com']) operations.heldBefore(connection, { ...held, domain });
  for (const tombstones of [true, false]) operations.endedBefore(connection, { before: 1, tombstones, limit: 1 });
  operations.listDomains(connection);
  operations.getAccount(connection, 'global');
  operations.listAccounts(connection);
  operations.countMessages(connection, 0);
  operations.countContents(connection, 0);
  operations.diskBytes(connection);
  operations.isRestored(connection);
}

function search(connection: Connection, operations: typeof readerOperations, scope: Scope): void {
  const sources = [
    {},
    { ids: ['m2'] },
    { digests: ['x'] },
    { likeness: 'x' },
    { owner: 'x' },
    { domain: 'x' },
    { text: 'x' },
  ];
  for (const query of sources)
    for (const which of ['held', 'all'] as const)
      operations.findSlice(connection, { scope, query: { ...query, which, view: 'caught' }, below: 100, limit: 10 });
}

/** The same operations, noting down which of them were called. */
function noting<T extends object>(operations: T, called: Set<string>): T {
  return new Proxy(operations, {
    get(target, name: Names<T>[number]) {
      called.add(name);
      return target[name];
    },
  });
}
