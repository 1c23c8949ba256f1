// Group commit: what came in together is committed together, and a failure hits those whom it concerns.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import { openConnection } from '../../../src/storage/sqlite/connection.ts';
import type { Connection } from '../../../src/storage/sqlite/connection.ts';
import { fromSent } from '../../../src/storage/sqlite/errors.ts';
import { toSentReading } from '../../../src/storage/sqlite/prepared.ts';
import { largestUid } from '../../../src/storage/shown.ts';
import type { Answer } from '../../../src/storage/sqlite/thread.ts';
import { commitTogether } from '../../../src/storage/sqlite/writer.ts';
import { arrivedAt, newContent, newMessage } from '../../helpers/messages.ts';
import { temporaryStore } from './temporary-store.ts';

function arrival(bytes?: Buffer): { id: string; argument: unknown } {
  const content = newContent(bytes);
  const message = newMessage({ content });
  const argument = {
    content: { ...content, reading: toSentReading(content.reading) },
    documents: [JSON.stringify({ ...message, revision: 0 })],
    searched: [''],
    skipKnown: false,
    now: arrivedAt,
  };
  return { id: message.id, argument };
}

function insertTogether(connection: Connection, arrivals: { argument: unknown }[]): ReturnType<typeof commitTogether> {
  const calls = arrivals.map(({ argument }, id) => ({ id, name: 'insert', argument }));
  return commitTogether({ connection, uidLimit: largestUid }, calls);
}

const isStored = (connection: Connection, id: string): boolean =>
  connection.get('SELECT 1 FROM messages WHERE id = ?', id) !== undefined;

function errorOf(answer: Answer | undefined): Error {
  assert.ok(answer && 'error' in answer);
  return fromSent(answer.error);
}

describe('the writing thread', () => {
  test('undoes an operation that fails, and only that one', () => {
    using store = temporaryStore();
    const connection = store.connect();
    const [first, second] = [arrival(), arrival()];
    const broken = { argument: { ...(arrival().argument as object), documents: ['{"not":"a message"}'] } };
    const { answers, changed } = insertTogether(connection, [first, broken, second]);
    assert.deepEqual(answers[0], { id: 0, result: ['stored'] });
    assert.ok(!(errorOf(answers[1]) instanceof TemporaryError), 'a mistake of ours is no trouble of the disk');
    assert.deepEqual(answers[2], { id: 2, result: ['stored'] });
    assert.deepEqual(changed, ['', 'example.com']);
    const other = openConnection(store.path, { readOnly: true });
    assert.ok(isStored(other, first.id) && isStored(other, second.id));
    assert.equal(
      other.get<{ n: number }>('SELECT count(*) AS n FROM contents')?.n,
      2,
      'nor is its content left behind',
    );
    other.close();
  });

  test('says "try again" when the disk is full, keeps what it had, and goes on when there is room again', () => {
    using store = temporaryStore();
    const connection = store.connect();
    const kept = arrival();
    insertTogether(connection, [kept]);
    const pages = connection.get<{ page_count: number }>('PRAGMA page_count')?.page_count ?? 0;
    connection.database.exec(`PRAGMA max_page_count = ${pages + 20}`);
    const [small, large] = [arrival(), arrival(randomBytes(2_000_000))];
    const { answers } = insertTogether(connection, [small, large]);
    const error = errorOf(answers[1]);
    assert.ok(error instanceof TemporaryError);
    assert.match(error.message, /no room/);
    assert.ok(error.cause instanceof Error && /full/.test(error.cause.message));
    // What was answered is true, for both of them.
    assert.ok(answers[0]);
    assert.equal(isStored(connection, small.id), 'result' in answers[0]);
    assert.ok(!isStored(connection, large.id) && isStored(connection, kept.id));
    connection.database.exec('PRAGMA max_page_count = 1000000');
    assert.deepEqual(insertTogether(connection, [large]).answers, [{ id: 0, result: ['stored'] }]);
  });

  test('says "try again" to all when another process does not let go of the store', () => {
    using store = temporaryStore();
    const connection = store.connect();
    connection.database.exec('PRAGMA busy_timeout = 0');
    const other = store.connect();
    other.database.exec('BEGIN IMMEDIATE');
    const arrivals = [arrival(), arrival()];
    const { answers, changed } = insertTogether(connection, arrivals);
    for (const answer of answers) {
      const error = errorOf(answer);
      assert.ok(error instanceof TemporaryError);
      assert.match(error.message, /busy/);
    }
    assert.equal(changed, null);
    other.database.exec('ROLLBACK');
    assert.ok(insertTogether(connection, arrivals).answers.every((answer) => 'result' in answer));
  });

  test('tells people nothing of paths and SQL, and the log what lies underneath', () => {
    using store = temporaryStore();
    const connection = store.connect();
    connection.database.exec('PRAGMA query_only = 1');
    const { answers } = insertTogether(connection, [arrival()]);
    const error = errorOf(answers[0]);
    assert.ok(error instanceof TemporaryError);
    assert.doesNotMatch(error.message, /sql|insert|readonly|quarantine\.db/i);
    assert.ok(error.cause instanceof Error && /readonly/.test(error.cause.message));
  });
});
