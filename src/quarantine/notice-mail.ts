// The bytes of a notice: a small message of our own, as plain text and, where it is worth while, as HTML beside it. Never base64, so that it can
// be searched and quoted. Called by the notices: failure-notice.ts and help-notice.ts.
import { createHash } from 'node:crypto';

export interface NoticeMail {
  /** The name that it comes from, in the language of the settings. */
  sender: string;
  hostname: string;
  /** Name of the login that it is for. */
  login: string;
  subject: string;
  /** Becomes the left part of the Message-ID; letters, digits, `.` and `-`. */
  name: string;
  /** Language tag (RFC 5646). */
  language: string;
  now: number;
  /** One line each, in any script, none longer than a few hundred characters. */
  text: readonly string[];
  /** The same as HTML, its lines. */
  html?: readonly string[];
}

export function noticeMail(mail: NoticeMail): Buffer {
  const { sender, hostname, login, subject, name, language, now } = mail;
  const address = `quarantine@${hostname}`;
  const header = [
    `Date: ${new Date(now).toUTCString().replace('GMT', '+0000')}`,
    `From: ${encodedText(sender)} <${address}>`,
    `To: ${login.includes('@') ? login : `${login} <${address}>`}`,
    `Subject: ${encodedText(subject)}`,
    `Message-ID: <${name}@${hostname}>`,
    'Auto-Submitted: auto-replied',
    `Content-Language: ${language}`,
    'MIME-Version: 1.0',
  ];
  return Buffer.from([...header, ...body(mail)].join('\r\n'), 'utf8');
}

function body({ text, html, name }: NoticeMail): string[] {
  const plain = part('plain', text);
  if (!html) return plain;
  const boundary = `=_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
  return [
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    '',
    // RFC 2046 section 5.1.4: the last part is the one to prefer.
    ...[plain, part('html', html)].flatMap((lines) => [`--${boundary}`, ...lines]),
    `--${boundary}--`,
    '',
  ];
}

function part(subtype: 'plain' | 'html', lines: readonly string[]): string[] {
  return [`Content-Type: text/${subtype}; charset=utf-8`, 'Content-Transfer-Encoding: 8bit', '', ...lines, ''];
}

// RFC 2047 section 2: an encoded word has at most 75 characters, so the text is cut into pieces of whole characters.
function encodedText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const words: string[] = [];
  let piece = '';
  for (const character of text) {
    if (Buffer.byteLength(piece + character) > 42) {
      words.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...words, piece].map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}
