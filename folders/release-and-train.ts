import { defineFolder } from '../src/quarantine/folder.ts';

export default defineFolder({
  mailbox: 'Release & Train',
  aliases: ['Release and Train', 'Release and Train/Not Spam'],
  purpose: 'Deliver these messages to their recipients and teach the filter that they are not spam.',
  kind: 'drop',
  accepts: { from: ['Caught', 'Caught (Outgoing)'], append: 'held' },
  then: [{ deliver: 'envelope recipients' }, { report: 'ham' }],
});
