import { defineFolder } from '../src/quarantine/folder.ts';

export default defineFolder({
  mailbox: 'Release',
  purpose: 'Deliver these messages to their recipients.',
  kind: 'drop',
  accepts: { from: ['Caught', 'Caught (Outgoing)'], append: 'held' },
  then: [{ deliver: 'envelope recipients' }],
});
