import { defineFolder } from '../src/quarantine/folder.ts';

export default defineFolder({
  mailbox: 'Caught (Outgoing)',
  purpose: 'Outgoing mail that was quarantined; it expires by itself.',
  kind: 'view',
  shows: 'outgoing',
  shownTo: ['global', 'domain'],
  classedAs: 'spam',
  switch: 'outgoing',
});
