// The line that begins a message in an mbox (RFC 4155 appendix A): `From sender date`. What it says is a hint: programs write the date in
// several forms and `-` or MAILER-DAEMON for a sender. Pure; used by mbox-splitter.ts and read-source.ts.
import { parseAddress } from '../../quarantine/address.ts';
import { isMailbox } from '../envelope-path.ts';

export interface FromLine {
  /** `''` is the null sender, null when the line names none. */
  sender: string | null;
  /** Milliseconds since the epoch, null when the line has no readable date. */
  date: number | null;
}

const start = Buffer.from('From ');

export function beginsLikeFromLine(line: Buffer): boolean {
  return line.length > start.length && line.compare(start, 0, start.length, 0, start.length) === 0;
}

/** A separator always carries a time of day; a sentence that begins with "From " seldom does. */
export function hasTimeOfDay(line: Buffer): boolean {
  return /\d:\d\d/.test(line.toString('latin1'));
}

export function parseFromLine(line: Buffer): FromLine {
  const text = line.toString('utf8', start.length).trim();
  return { sender: senderIn(/^\S*/.exec(text)?.[0] ?? ''), date: dateIn(text) };
}

function senderIn(word: string): string | null {
  if (/^mailer-daemon$/i.test(word)) return '';
  return isMailbox(word) && parseAddress(word) ? word : null;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
// `Sat Jul  6 09:15:01 2002`, with the zone that some programs put before or after the year, or without seconds.
const datePattern =
  /\b([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s+([+-]\d{4}|[a-z]{1,5}))?\s+(\d{4}|\d{2})(?:\s+([+-]\d{4}))?(?!\S)/i;

/** RFC 4155 appendix A: the date is in UTC, unless the line says otherwise in numbers. */
function dateIn(text: string): number | null {
  const match = datePattern.exec(text);
  if (!match) return null;
  const [, month = '', day, hour, minute, second = '0', zoneBefore, year = '', zoneAfter] = match;
  const monthIndex = months.indexOf(month.toLowerCase());
  if (monthIndex < 0) return null;
  const time = Date.UTC(fullYear(year), monthIndex, Number(day), Number(hour), Number(minute), Number(second));
  const date = time - offsetMs(zoneAfter ?? zoneBefore ?? '');
  return Number.isFinite(date) ? date : null;
}

// RFC 5322 section 4.3: what two digits mean.
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length > 2) return year;
  return year < 50 ? 2000 + year : 1900 + year;
}

function offsetMs(zone: string): number {
  const match = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (!match) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === '-' ? -minutes : minutes) * 60_000;
}
