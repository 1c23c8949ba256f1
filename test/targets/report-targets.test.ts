// The names of the report targets: stored with every report that is due, so they have to stay.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildReportTargets, type TrainingSettings } from '../../src/targets/report-targets.ts';

const maildir: TrainingSettings = { type: 'maildir', path: '/nowhere' };
const rspamd: TrainingSettings = { type: 'rspamd', url: 'http://127.0.0.1:11334', password: 'x' };
const names = (training: TrainingSettings[]): string[] => buildReportTargets(training).map(({ name }) => name);

test('the first of a kind is called by its kind, the next ones are counted', () => {
  assert.deepEqual(names([]), []);
  assert.deepEqual(names([maildir, rspamd, rspamd, maildir, rspamd]), [
    'maildir',
    'rspamd',
    'rspamd-2',
    'maildir-2',
    'rspamd-3',
  ]);
});

test('a name of its own renames none of the others', () => {
  assert.deepEqual(names([{ ...rspamd, name: 'east' }, rspamd, rspamd]), ['east', 'rspamd-2', 'rspamd-3']);
  assert.deepEqual(names([rspamd, { ...rspamd, name: 'east' }, rspamd]), ['rspamd', 'east', 'rspamd-3']);
});

test('two of one name and names that the store cannot keep are refused', () => {
  assert.throws(() => names([rspamd, { ...maildir, name: 'rspamd' }]), /"rspamd": there are two of that name/);
  assert.throws(() => names([{ ...rspamd, name: 'rspamd-2' }, rspamd]), /"rspamd-2": there are two/);
  for (const name of ['', 'a.b', '$x', 'a b', '-a'])
    assert.throws(() => names([{ ...rspamd, name }]), /expected a name of letters/);
});
