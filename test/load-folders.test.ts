import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadFolders } from '../src/load-folders.ts';

test('folders come in the order in which people read them: INBOX, the views, then what delivers, reports, removes', async () => {
  assert.deepEqual(
    (await loadFolders()).map(({ mailbox }) => mailbox),
    [
      'INBOX',
      'Caught',
      'Caught (Outgoing)',
      'Training Requested',
      'Release',
      'Release & Train',
      'Not Spam',
      'Spam',
      'Trash',
    ],
  );
});
