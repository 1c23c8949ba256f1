// The sample mail of the demo: which of the files in mail/ is handed in at which door, for whom, and how long ago it was sent. The files
// hold what a filter hands over: its own header fields on top, then the Received line of the mail server, then what the sender wrote.
// All names in them are reserved for documentation. Called by hand-in.ts.
import { readFile } from 'node:fs/promises';
import type { Envelope } from '../../quarantine/message.ts';
import type { IntakeView } from '../../quarantine/receive.ts';

export interface Sample {
  /** In mail/, without `.eml`. */
  file: string;
  door: IntakeView;
  envelope: Envelope;
  hoursAgo: number;
}

const hourMs = 3_600_000;

/** Somebody who has left: the demo's next hop refuses his mail, which shows what becomes of a release that fails. */
export const unknownMailbox = 'dave@example.com';

/** The oldest first, so that UIDs and dates are in the same order. */
export const samples: readonly Sample[] = [
  caught('lucky-draw', 30, 'winner@lucky-draw.example', ['info@example.com']),
  caught('invitation', 28, 'marta@agency-blau.example', ['bob@example.com']),
  caught('regatta-photo', 26, 'tom@sailing-club.example', ['alice@example.com', 'bob@example.com']),
  caught('arabic-booking', 20, 'reservations@qasr-hotel.example', ['alice+travel@example.net']),
  caught('russian-offer', 14, 'sales@bystro.example', ['bob@example.com']),
  // A bounce has no sender.
  caught('bounce', 11, '', ['alice@example.com']),
  caught('garden-newsletter', 9, 'bounce+alice=example.com@news.gardenpost.example', ['alice@example.com']),
  caught('forwarded-parcel', 7, 'bob.keller@postbox.example', ['alice@example.com']),
  caught('japanese-minutes', 5, 'tanaka@hinata.example', ['alice@example.com']),
  caught('contract-for-dave', 4, 'legal@northwind.example', [unknownMailbox]),
  caught('invoice', 3, 'rechnung@stadtwerke-hafenstadt.example', ['alice@example.com']),
  caught('virus-scan', 2, 'scanner@copy-shop.example', ['alice@example.com']),
  caught('phishing-mailbox-full', 1, 'support@mailbox-renewal.example', [
    'alice@example.com',
    'bob@example.com',
    'carol@example.com',
  ]),
  sample('outgoing', 'outgoing-price-list', 6, 'alice@example.com', [
    'orders@blumen-krause.example',
    'nakup@kvetiny.example',
  ]),
  sample('outgoing', 'outgoing-hijacked', 1, 'carol@example.com', [
    'r.lopez@postbox.example',
    'sato@hinata.example',
    'info@northwind.example',
  ]),
  sample('training', 'unsure-webinar', 10, 'hello@growth-webinars.example', ['bob@example.com']),
  sample('training', 'unsure-order', 4, 'orders@shop-lindgren.example', ['alice@example.com']),
];

function caught(file: string, hoursAgo: number, sender: string, recipients: string[]): Sample {
  return sample('caught', file, hoursAgo, sender, recipients);
}

function sample(door: IntakeView, file: string, hoursAgo: number, sender: string, recipients: string[]): Sample {
  return { door, file, hoursAgo, envelope: { sender, recipients } };
}

/** The bytes as they go over the wire, with dates relative to `now`: `@date@` when it was sent, `@date-2h@` two hours before. */
export async function sampleBytes({ file, hoursAgo }: Sample, now: number): Promise<Buffer> {
  const text = await readFile(new URL(`mail/${file}.eml`, import.meta.url), 'utf8');
  const dated = text.replace(/@date(?:-(\d+)h)?@/g, (_mark, earlier: string | undefined) =>
    headerDate(now - (hoursAgo + Number(earlier ?? 0)) * hourMs),
  );
  return Buffer.from(dated.replace(/\r?\n/g, '\r\n'));
}

// RFC 5322 section 3.3, which knows GMT only as an obsolete zone.
function headerDate(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}
