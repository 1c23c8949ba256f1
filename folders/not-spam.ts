import { defineFolder } from '../src/quarantine/folder.ts';

export default defineFolder({
  mailbox: 'Not Spam',
  purpose: 'Teach the filter that these messages are not spam. They are not delivered.',
  kind: 'drop',
  accepts: { from: ['Caught', 'Caught (Outgoing)', 'Training Requested'], append: 'any' },
  then: [{ report: 'ham' }],
});
