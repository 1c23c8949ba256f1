// What the demo says when it is ready: where it listens (a line for each, which scripts read), how to log in, what to try.
// Called by demo.ts.
import { styleText } from 'node:util';
import { programName } from '../../edition.ts';
import type { Listening } from '../../main.ts';
import { table } from '../table.ts';
import { demoPassword } from './start-demo.ts';
import type { RunningDemo } from './start-demo.ts';

const mailboxes: Record<string, string> = {
  caught: 'Caught',
  outgoing: 'Caught (Outgoing)',
  training: 'Training Requested',
};

export function welcome({ listening, settingsFile }: RunningDemo): string {
  const imaps = listening.find(({ name }) => name === 'IMAPS')?.port ?? 0;
  const imap = listening.find(({ name }) => name === 'IMAP')?.port ?? 0;
  const logins = [
    ['alice@example.com', demoPassword, 'her own mail'],
    ['example.com', demoPassword, 'the mail of the whole domain'],
    ['global', demoPassword, 'everything'],
  ];
  return [
    heading('Lazaretto demo: a quarantine with sample mail, for this machine alone'),
    '',
    ...listening.map(listenerLine),
    '',
    heading('Add an IMAP account to your mail program'),
    `  Server       127.0.0.1, port ${imaps}, SSL/TLS (or port ${imap}, STARTTLS)`,
    '  Certificate  self-signed, so accept it; an outgoing server is not needed',
    '',
    indented(table(['USER NAME', 'PASSWORD', 'SEES'], logins)),
    '',
    heading('Drag mail out of Caught, and watch below what arrives (Ctrl-C ends it all)'),
    '  alice   "That moment before the finish" to Release, the invoice (Rechnung)',
    '          to Release & Train, the tulips to Not Spam; "Scanned document 8841"',
    '          is said to be a virus, so that she may not release it',
    '  domain  the contract for dave to Release: his mailbox is gone, so it comes',
    '          back, and INBOX tells what the other server said',
    '  global  may release the virus, and what is in Caught (Outgoing)',
    '',
    heading('Or without a mail program'),
    `  curl -k -u alice@example.com:${demoPassword} \\`,
    `    imaps://127.0.0.1:${imaps}/Caught -X 'FETCH 1:* (ENVELOPE)'`,
    `  ${programName} --config ${settingsFile} message list`,
    '',
  ].join('\n');
}

function listenerLine({ name, address, port, folder }: Listening): string {
  const notes: Partial<Record<Listening['name'], string>> = {
    IMAP: ' (STARTTLS)',
    HTTP: ' (/livez, /readyz, /metrics, /mail/config-v1.1.xml)',
  };
  const note = folder === undefined ? (notes[name] ?? '') : ` (for ${mailboxes[folder] ?? folder})`;
  return `${name} ${address}:${port}${note}`;
}

function heading(text: string): string {
  return styleText('bold', text);
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}
