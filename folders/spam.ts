import { defineFolder } from '../src/quarantine/folder.ts';

export default defineFolder({
  mailbox: 'Spam',
  purpose: 'Teach the filter that these messages are spam, also mail from your own inbox. They are not delivered.',
  kind: 'drop',
  accepts: { from: ['Caught', 'Caught (Outgoing)', 'Training Requested'], append: 'any' },
  then: [{ report: 'spam' }],
});
