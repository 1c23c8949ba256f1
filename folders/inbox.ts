import { defineFolder } from '../src/quarantine/folder.ts';

export default defineFolder({
  mailbox: 'INBOX',
  purpose: 'Notices of the quarantine itself for this login: how it works, that a release failed; otherwise empty.',
  kind: 'view',
  shows: 'notices',
  shownTo: ['global', 'domain', 'user'],
});
