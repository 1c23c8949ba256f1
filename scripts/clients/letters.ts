// The mail that every client finds when it comes, by what is to become of it, and one that a person has in her own mailbox.
// Read by whole-server.ts and by the clients.

export interface Letter {
  /** As a person reads it; unique. */
  subject: string;
  folder: 'caught' | 'outgoing' | 'training';
  sender: string;
  recipients: readonly string[];
  raw: Buffer;
}

const toAlice = { folder: 'caught', sender: 'sender@remote.example', recipients: ['alice@example.com'] } as const;

/** As the filter of example.test writes it above its own Received line (settings: trustedHosts). */
const virusFound = 'X-Virus: Eicar-Test\r\nReceived: from a by filter.example.test; Mon, 5 Jan 2026 10:00:00 +0000\r\n';

export const letters = {
  release: plainLetter('Please release me', { ...toAlice, sender: '', recipients: ['Alice+shop@example.net'] }),
  releaseAndTrain: plainLetter('Release me and learn', toAlice),
  notSpam: plainLetter('I am no spam', toAlice),
  unwanted: plainLetter('Throw me away', toAlice),
  infected: plainLetter('Infected', toAlice, virusFound),
  invoice: invoice(),
  unsure: plainLetter('Unsure', { ...toAlice, folder: 'training' }),
  outgoing: plainLetter('Price list', {
    folder: 'outgoing',
    sender: 'alice@example.com',
    recipients: ['x@remote.example', 'y@remote.example'],
  }),
} satisfies Record<string, Letter>;

/** Not there at the beginning: to be handed in while a client is at it. */
export const lateLetter = plainLetter('Late', toAlice);

/** Never handed in: somebody's own mail, to be appended. */
export const ownMail = plainLetter('Spam that came through', toAlice).raw;

function plainLetter(subject: string, way: Omit<Letter, 'subject' | 'raw'>, header = ''): Letter {
  const id = subject.replaceAll(' ', '.');
  const raw = Buffer.from(
    `${header}From: Sender <sender@remote.example>\r\nTo: alice@example.com\r\nSubject: ${subject}\r\n` +
      `Message-ID: <${id}@remote.example>\r\nDate: Mon, 5 Jan 2026 09:00:00 +0000\r\n\r\n` +
      `Text of "${subject}".\r\n.\r\n..\r\nFrom here on nothing more.\r\n`,
  );
  return { ...way, subject, raw };
}

/** With umlauts, an attachment, and a line end that SMTP leaves alone. */
function invoice(): Letter {
  const attachment = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 31) % 256));
  const lines = [
    'From: =?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <juergen@remote.example>',
    'To: "Alice" <alice@example.com>',
    'Subject: =?utf-8?q?Rechnung_f=C3=BCr_M=C3=A4rz?=',
    'Message-ID: <invoice@remote.example>',
    'Date: Sun, 4 Jan 2026 23:30:00 -0500',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="--=_b"',
    '',
    '----=_b',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    'Die Rechnung über 100 € liegt bei.',
    '----=_b',
    'Content-Type: application/octet-stream; name="M=E4rz.bin"',
    'Content-Disposition: attachment; filename="März.bin"',
    'Content-Transfer-Encoding: base64',
    '',
    attachment.toString('base64').replace(/.{76}/g, '$&\r\n'),
    '----=_b--',
    '',
  ];
  return {
    ...toAlice,
    subject: 'Rechnung für März',
    sender: 'juergen@remote.example',
    raw: Buffer.from(lines.join('\r\n')),
  };
}
