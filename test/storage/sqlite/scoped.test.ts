// The SQL of a scope says of every message exactly what the domain's isWithin says.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { isWithin } from '../../../src/quarantine/message.ts';
import { scopeOfLogin } from '../../../src/quarantine/scope.ts';
import { within } from '../../../src/storage/sqlite/scoped.ts';
import { ownerOf } from '../../helpers/messages.ts';

test('a query sees what its scope may see', () => {
  using database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE messages (view TEXT, owner_domain TEXT, owner_address TEXT)');
  const insert = database.prepare('INSERT INTO messages VALUES (?, ?, ?)');
  const logins = ['global', 'example.com', 'example.org', 'alice@example.com', 'bob@example.com', 'alice@example.org'];
  let visible = 0;
  for (const view of ['caught', 'outgoing', 'training', 'notices', 'reports'] as const)
    for (const owner of logins.map(ownerOf)) {
      database.exec('DELETE FROM messages');
      insert.run(view, owner.domain, owner.address);
      for (const scope of logins.map(scopeOfLogin)) {
        const { sql, values } = within(scope);
        const found = database.prepare(`SELECT 1 FROM messages WHERE ${sql}`).get(...values) !== undefined;
        assert.equal(found, isWithin(scope, owner, view), JSON.stringify({ scope, owner, view }));
        visible += Number(found);
      }
    }
  assert.ok(visible > 30);
});
