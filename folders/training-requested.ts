import { defineFolder } from '../src/quarantine/folder.ts';

export default defineFolder({
  mailbox: 'Training Requested',
  purpose:
    'Copies of mail that was delivered although the filter was unsure; drag them to Spam or Not Spam to teach it.',
  kind: 'view',
  shows: 'training',
  shownTo: ['global', 'domain', 'user'],
  alreadyDelivered: true,
  switch: 'training',
});
