// What an administrator can say in the connection string, and what not. Opens no connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MongoClient } from 'mongodb';
import { clientOptionsFor } from '../../src/storage/mongodb/connection.ts';

function optionsOf(query: string): MongoClient['options'] {
  const url = `mongodb://one.example,two.example/lazaretto${query}`;
  return new MongoClient(url, clientOptionsFor(url)).options;
}

test('a connection string says how long servers are waited for, in any spelling, and our values stand for what it leaves out', () => {
  assert.equal(optionsOf('').serverSelectionTimeoutMS, 20_000);
  const { serverSelectionTimeoutMS, maxPoolSize, socketTimeoutMS } = optionsOf(
    '?replicaSet=rs0&serverselectiontimeoutms=2000&maxPoolSize=7',
  );
  assert.deepEqual([serverSelectionTimeoutMS, maxPoolSize, socketTimeoutMS], [2000, 7, 60_000]);
});

test('a connection string cannot make answers less durable', () => {
  const { writeConcern, readConcern, readPreference, retryWrites } = optionsOf(
    '?w=1&journal=false&readConcernLevel=local&readPreference=secondary&retryWrites=false',
  );
  assert.deepEqual([writeConcern?.w, writeConcern?.journal], ['majority', true]);
  assert.deepEqual([readConcern?.level, readPreference?.mode, retryWrites], ['majority', 'primary', true]);
});
