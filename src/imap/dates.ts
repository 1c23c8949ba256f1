// The two dates of IMAP: INTERNALDATE, a moment, and the dates of SEARCH, calendar days without a time. Moments are
// milliseconds since 1970 (UTC), days are whole days since 1970-01-01. Null is the answer to anything malformed; no
// function here guesses. Called by FETCH, APPEND and SEARCH.

import { calendarDay, dayMs, months } from '../quarantine/search/sent-day.ts';

/** `" 5-Nov-2025 10:00:00 +0000"`, quotes included; always in UTC. */
export function formatInternalDate(moment: number): string {
  const day = Math.floor(moment / dayMs);
  const seconds = Math.floor((moment - day * dayMs) / 1000);
  const [hour, minute] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `"${formatDay(day)} ${twoDigits(hour)}:${twoDigits(minute)}:${twoDigits(seconds % 60)} +0000"`;
}

/** The last day that was formatted: a list tells the dates of thousands of messages, most of them of a few days. */
const formatted = { day: NaN, text: '' };

function formatDay(day: number): string {
  if (day !== formatted.day) {
    const date = new Date(day * dayMs);
    const year = String(date.getUTCFullYear()).padStart(4, '0');
    formatted.day = day;
    formatted.text = `${String(date.getUTCDate()).padStart(2, ' ')}-${months[date.getUTCMonth()]}-${year}`;
  }
  return formatted.text;
}

function twoDigits(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

/** Reads what APPEND brings, without quotes. */
export function parseInternalDate(text: string): number | null {
  // RFC 9051 section 9 (date-day-fixed): the day has two places; clients that leave out the blank are understood.
  const parts = /^( ?\d|\d\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text);
  if (parts === null) return null;
  const [, dayText = '', month = '', year = '', hour, minute, second, sign, zoneHours, zoneMinutes] = parts;
  const day = calendarDay(dayText, month, year);
  const [h, m, s, zh, zm] = [Number(hour), Number(minute), Number(second), Number(zoneHours), Number(zoneMinutes)];
  // 60 is a leap second.
  if (day === null || h > 23 || m > 59 || s > 60 || zm > 59) return null;
  const offsetMinutes = (zh * 60 + zm) * (sign === '-' ? -1 : 1);
  return day * dayMs + ((h * 60 + m - offsetMinutes) * 60 + s) * 1000;
}

/** `1-Jan-2025`, the dates of SEARCH, as a calendar day. */
export function parseSearchDate(text: string): number | null {
  const parts = /^ ?(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text);
  return parts === null ? null : calendarDay(parts[1] ?? '', parts[2] ?? '', parts[3] ?? '');
}
