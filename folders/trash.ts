import { defineFolder } from '../src/quarantine/folder.ts';

export default defineFolder({
  mailbox: 'Trash',
  aliases: ['Deleted Items', 'Deleted Messages'],
  purpose: 'Delete these messages from your view. Nothing is delivered and nothing is taught.',
  kind: 'drop',
  accepts: { from: ['INBOX', 'Caught', 'Caught (Outgoing)', 'Training Requested'], append: 'none' },
  then: [{ remove: 'from view' }],
  specialUse: '\\Trash',
  switch: 'trash',
});
