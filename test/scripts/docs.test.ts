// The generated parts of README: complete, stable, and nothing else touched.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventsTable } from '../../scripts/docs/events-table.ts';
import { foldersTable } from '../../scripts/docs/folders-table.ts';
import { metricsTable } from '../../scripts/docs/metrics-table.ts';
import { withRegions } from '../../scripts/docs/regions.ts';
import { settingsTable } from '../../scripts/docs/settings-table.ts';

/** Cells of each row below the head. */
function rowsOf(table: string): string[][] {
  const rows = table.split('\n').slice(2);
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

describe('the generated tables', () => {
  test('tell each setting once, with type, default and a sentence', () => {
    const rows = rowsOf(settingsTable());
    const keys = rows.map(([key]) => key);
    assert.deepEqual(keys, [...new Set(keys)]);
    for (const key of [
      'hostname',
      'tls.cert',
      'imap.listen[].port',
      'intake[].allow',
      'retention.undo',
      'training[].type',
    ]) {
      assert.ok(keys.includes(`\`${key}\``), key);
    }
    for (const row of rows) {
      assert.equal(row.length, 4, row.join());
      assert.ok(
        row.every((cell) => cell !== ''),
        row.join(' | '),
      );
      assert.match(row[3] ?? '', /^[^.]+(\.[^ ][^.]*)*\.$/, 'one sentence');
    }
    assert.deepEqual(rows.find(([key]) => key === '`retention.caught`')?.slice(1, 3), ['duration', '`14d`']);
    assert.equal(rows.find(([key]) => key === '`training[].type`')?.[1], 'maildir \\| rspamd');
  });

  test('tell each folder, views first', async () => {
    const rows = rowsOf(await foldersTable());
    assert.deepEqual(rows[0]?.slice(0, 2), ['`INBOX`', 'view']);
    const spam = rows.find(([mailbox]) => mailbox === '`Spam`');
    assert.deepEqual(spam?.slice(3), ['`Caught`, `Caught (Outgoing)`, `Training Requested`, mail of your own', '–']);
    assert.equal(rows.find(([mailbox]) => mailbox === '`Trash`')?.[4], '`folders.trash`');
    assert.ok(rows.every((row) => row.length === 5));
  });
});

test('the tables of metrics and of events tell each once, with what it holds and a sentence', () => {
  for (const table of [metricsTable(), eventsTable()]) {
    const rows = rowsOf(table);
    assert.ok(rows.length > 10);
    assert.equal(new Set(rows.map(([name]) => name)).size, rows.length);
    for (const row of rows) {
      assert.ok(row.length === 4 || row.length === 3, row.join());
      assert.match(row[0] ?? '', /^`[a-z_]+`$/);
      assert.ok(row.some((cell) => /^[A-Z].*\.$/.test(cell)) && row.every((cell) => cell !== ''), row.join(' | '));
    }
  }
  const metrics = rowsOf(metricsTable());
  assert.deepEqual(metrics.find(([name]) => name === '`lazaretto_imap_sessions`')?.slice(1, 3), ['gauge', '–']);
  assert.equal(rowsOf(eventsTable()).find(([name]) => name === '`expunge`')?.[2], '`by`, `view`, `messages`');
});

describe('a region of README', () => {
  const readme = 'before\n\n<!-- generated:a -->\nold\n<!-- /generated:a -->\n\nafter\n';

  test('is replaced, and writing it again changes nothing', async () => {
    const once = await withRegions(readme, { a: '| x |\n|--|\n| y |' });
    assert.deepEqual(once.problems, []);
    assert.match(
      once.text,
      /^before\n\n<!-- generated:a -->\n\n\| x[ ]+\|\n.*\n\| y[ ]+\|\n\n<!-- \/generated:a -->\n\nafter\n$/,
    );
    assert.equal((await withRegions(once.text, { a: '| x |\n|--|\n| y |' })).text, once.text);
  });

  test('whose marks are missing, doubled or crossed is reported and left alone', async () => {
    for (const text of [
      '',
      readme + readme,
      '<!-- /generated:a --> <!-- generated:a -->',
      readme.replace('/generated', ''),
    ]) {
      const result = await withRegions(text, { a: 'new' });
      assert.equal(result.text, text);
      assert.match(result.problems.join(), /README\.md needs <!-- generated:a -->/);
    }
  });
});
