// Mail like that which spam filters catch, made up from a seed: sizes log-uniform, 20 % plain, 10 % HTML, 50 % both as alternative, 20 % nested
// with an attachment; headers of the usual length, encoded words, raw 8-bit and several scripts. Message n of a seed is the same
// in every run. Called by the parts that need mail.
import { seededRandom } from '../../../test/helpers/seeded-random.ts';
import type { SeededRandom } from '../../../test/helpers/seeded-random.ts';
import { base64Lines, encode, encodedWords, transfer } from './encodings.ts';
import type { Charset, Transfer } from './encodings.ts';
import { prose, word } from './words.ts';
import type { Language } from './words.ts';

export interface SpamOptions {
  recipient: string;
  fewestBytes?: number;
  mostBytes?: number;
  /** Default: mostly English. */
  language?: Language;
  /** Stands in the text of this message. */
  needle?: string;
}

/** The first message; each of the next is 100 seconds younger, so that 10,000 fill eleven days. */
export const firstArrival = Date.UTC(2026, 9, 1);
export const arrivalOf = (number: number): number => firstArrival + number * 100_000;

const languages: readonly Language[] = [
  ...Array.from({ length: 8 }, () => 'english' as const),
  ...([
    'german',
    'german',
    'german',
    'french',
    'russian',
    'russian',
    'greek',
    'japanese',
    'chinese',
    'arabic',
  ] as const),
];

export function spam(number: number, options: SpamOptions): Buffer {
  const { fewestBytes = 2048, mostBytes = 52_500, recipient, needle = '' } = options;
  const random = seededRandom(number * 2_654_435_761 + 1);
  const size = Math.round(fewestBytes * (mostBytes / fewestBytes) ** (random.between(0, 1_000_000) / 1_000_000));
  const drawn = random.pick(languages);
  const language = options.language ?? drawn;
  const charset = charsetFor(language, random);
  const part: Part = { random, language, charset, needle };
  const kind = random.between(1, 10);
  const header = headerOf(number, recipient, part);
  const room = Math.max(size - header.length - 150, 100);
  const body =
    kind <= 2 ? plain(part, room) : kind === 3 ? html(part, room) : kind <= 8 ? both(part, room) : nested(part, room);
  return Buffer.from(`${header}MIME-Version: 1.0\r\n${body}`, 'latin1');
}

/** A message that is nearly all attachment, of about so many bytes. */
export function attachment(number: number, recipient: string, bytes: number): Buffer {
  const random = seededRandom(number + 1);
  const part: Part = { random, language: 'english', charset: 'utf-8', needle: '' };
  const block = base64Lines(noise(random, 57 * 1000));
  const file =
    'Content-Type: video/mp4; name="holiday.mp4"\r\nContent-Disposition: attachment; filename="holiday.mp4"\r\n' +
    `Content-Transfer-Encoding: base64\r\n\r\n${block.repeat(Math.ceil(bytes / block.length))}`;
  const body = multipart(part, 'mixed', [plain(part, 500), file]);
  return Buffer.from(`${headerOf(number, recipient, part)}MIME-Version: 1.0\r\n${body}`, 'latin1');
}

interface Part {
  random: SeededRandom;
  language: Language;
  charset: Charset;
  needle: string;
}

function charsetFor(language: Language, random: SeededRandom): Charset {
  if (language === 'russian') return random.pick(['windows-1251', 'utf-8'] as const);
  if (language === 'german' || language === 'french') return random.pick(['iso-8859-1', 'utf-8'] as const);
  return 'utf-8';
}

/** Without MIME fields; about as long as those of real spam, which has passed several servers. */
function headerOf(number: number, recipient: string, { random, language, charset }: Part): string {
  const date = new Date(arrivalOf(number)).toUTCString().replace('GMT', '+0000');
  const host = `${word(random, 'english')}${random.between(1, 99)}.${latinWord(random)}.example`.toLowerCase();
  const address = `${latinWord(random)}@${host}`;
  const relays = Array.from(
    { length: random.between(1, 4) },
    (_, i) =>
      `Received: from relay${i}.${host} (unknown [203.0.113.${random.between(1, 254)}])\r\n` +
      `\tby mx${i}.${latinWord(random)}.example (Postfix) with ESMTPS id ${hex(random, 10)}\r\n` +
      `\tfor <${recipient}>; ${date}\r\n`,
  );
  return [
    `Return-Path: <${address}>\r\n`,
    'X-Spam-Flag: YES\r\n',
    `X-Spam-Status: Yes, score=${random.between(6, 30)}.${random.between(0, 9)} required=6.2 tests=[BAYES_99=3.5,\r\n`,
    '\tHTML_MESSAGE=0.001, RCVD_IN_DNSWL_BLOCKED=0.001, URIBL_BLACK=1.7] autolearn=no\r\n',
    `Received: from filter.example.com (localhost [127.0.0.1])\r\n\tby mail.example.com (Postfix) with LMTP id ${hex(random, 11)}\r\n`,
    `\tfor <${recipient}>; ${date}\r\n`,
    ...relays,
    ...(random.between(0, 1) ? [signature(random, host)] : []),
    `Message-ID: <${hex(random, 24)}@${host}>\r\n`,
    `Date: ${date}\r\n`,
    `From: ${phrase(random.between(1, 3), language, charset, random)} <${address}>\r\n`,
    `To: <${recipient}>${random.between(0, 9) ? '' : `,\r\n <${latinWord(random)}@example.com>`}\r\n`,
    ...(random.between(0, 2) ? [] : [`Reply-To: <${latinWord(random)}@${latinWord(random)}.example>\r\n`]),
    `Subject: ${phrase(random.between(2, 8), language, charset, random)}\r\n`,
    ...(random.between(0, 1) ? [`List-Unsubscribe: <https://${host}/u/${hex(random, 32)}>\r\n`] : []),
    `X-Mailer: ${word(random, 'english')} Mailer ${random.between(1, 9)}.${random.between(0, 99)}\r\n`,
  ].join('');
}

function signature(random: SeededRandom, host: string): string {
  const value = base64Lines(noise(random, 192)).trimEnd().replaceAll('\r\n', '\r\n\t');
  return `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=${host}; s=mail;\r\n\th=from:to:subject:date; bh=${base64Lines(noise(random, 32)).trimEnd()};\r\n\tb=${value}\r\n`;
}

/** Words for a header field: as they are where ASCII suffices, else encoded, and at times raw 8-bit as careless senders do. */
function phrase(words: number, language: Language, charset: Charset, random: SeededRandom): string {
  const text = Array.from({ length: words }, () => word(random, language)).join(' ');
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return random.between(0, 19) ? encodedWords(text, charset) : encode(text, charset).toString('latin1');
}

function latinWord(random: SeededRandom): string {
  return word(random, 'english').toLowerCase();
}

function plain(part: Part, room: number): string {
  return textPart(
    part,
    'plain',
    (characters) => `${prose(part.random, part.language, characters)}${part.needle}\r\n`,
    room,
  );
}

function html(part: Part, room: number): string {
  return textPart(part, 'html', (characters) => page(part, characters), room);
}

function page({ random, language, needle }: Part, characters: number): string {
  let text = `<html><head><title>${word(random, language)}</title></head><body bgcolor="#ffffff">\r\n`;
  while (text.length < characters) {
    text += `<p style="font-family: Arial; font-size: ${random.between(9, 18)}px">\r\n${prose(random, language, Math.min(characters, 400))}</p>\r\n`;
    text += `<a href="https://${latinWord(random)}.example/${hex(random, 16)}">${word(random, language)}</a>\r\n`;
  }
  return `${text}${needle}\r\n</body></html>\r\n`;
}

/** A part with its MIME fields, of about `room` bytes. */
function textPart(
  { random, language, charset }: Part,
  subtype: 'plain' | 'html',
  write: (characters: number) => string,
  room: number,
): string {
  const encodings: Transfer[] =
    language === 'english' ? ['8bit', 'quoted-printable'] : ['8bit', 'quoted-printable', 'base64'];
  const encoding = random.pick(encodings);
  // How many bytes a character becomes, from a sample.
  const sample = prose(random, language, 200);
  const growth = transfer(encode(sample, charset), encoding).length / sample.length;
  const body = transfer(encode(write(room / growth), charset), encoding);
  return `Content-Type: text/${subtype}; charset="${charset}"\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`;
}

function both(part: Part, room: number): string {
  return multipart(part, 'alternative', [plain(part, room * 0.35), html(part, room * 0.6)]);
}

function nested(part: Part, room: number): string {
  const { random } = part;
  const name = `${latinWord(random)}.${random.pick(['pdf', 'zip', 'docx', 'png'])}`;
  const attachment =
    `Content-Type: application/octet-stream; name="${name}"\r\nContent-Disposition: attachment; filename="${name}"\r\n` +
    `Content-Transfer-Encoding: base64\r\n\r\n${base64Lines(noise(random, Math.max(Math.round(room * 0.5), 64)))}`;
  return multipart(part, 'mixed', [both(part, room * 0.3), attachment]);
}

function multipart({ random }: Part, subtype: string, parts: readonly string[]): string {
  const boundary = `----=_Part_${hex(random, 20)}`;
  return (
    `Content-Type: multipart/${subtype}; boundary="${boundary}"\r\n\r\n` +
    `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`
  );
}

function noise(random: SeededRandom, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at++) bytes[at] = random.between(0, 255);
  return bytes;
}

function hex(random: SeededRandom, length: number): string {
  let text = '';
  while (text.length < length) text += random.between(0x100000, 0xffffff).toString(16);
  return text.slice(0, length);
}
