import { defineFolder } from '../src/quarantine/folder.ts';

export default defineFolder({
  mailbox: 'Caught',
  purpose: 'Incoming mail that was quarantined; it expires by itself.',
  kind: 'view',
  shows: 'caught',
  shownTo: ['global', 'domain', 'user'],
  classedAs: 'spam',
});
