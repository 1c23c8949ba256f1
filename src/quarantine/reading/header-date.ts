// Reads the Date field. Not `Date.parse`: that one invents a date from almost anything and takes a missing zone for the
// server's own. Called by summary.

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
// RFC 5322 section 4.3: the obsolete zones that mean something; all others count as unknown, hence UTC.
const ZONES: Record<string, number> = { EST: -5, EDT: -4, CST: -6, CDT: -5, MST: -7, MDT: -6, PST: -8, PDT: -7 };
const MAX_LENGTH = 200;
const MINUTE_MS = 60_000;

const dateTime =
  /^\s*(?:[A-Za-z]{2,9}\s*,?\s*)?(?<day>\d{1,2})[\s-]+(?<month>[A-Za-z]{3})[A-Za-z]*\.?[\s-]+(?<year>\d{2,4})\s+(?<hour>\d{1,2})\s*:\s*(?<minute>\d{1,2})(?:\s*:\s*(?<second>\d{1,2}))?(?:\s*[+-]??(?<zone>[+-]\d{4}|[A-Za-z]+))?/;
// "Sat Sep 21 08:18:08 2002", as C programs print it.
const cTime =
  /^\s*[A-Za-z]{3}\s+(?<month>[A-Za-z]{3})\s+(?<day>\d{1,2})\s+(?<hour>\d{1,2}):(?<minute>\d{2}):(?<second>\d{2})\s+(?<zone>[A-Za-z]{1,5}\s+)?(?<year>\d{4})/;

/** RFC 5322 section 3.3 and 4.3; milliseconds since 1970, null when it is no date. */
export function parseHeaderDate(text: string): number | null {
  // RFC 5322 section 4.3: comments may stand anywhere in the obsolete form.
  const plain = text.slice(0, MAX_LENGTH).replace(/\([^()]*\)/g, ' ');
  const fields = (dateTime.exec(plain) ?? cTime.exec(plain))?.groups;
  if (!fields) return null;
  const { year = '', month: monthName = '', zone = '' } = fields;
  const [day = 0, hour = 0, minute = 0, second = 0] = ['day', 'hour', 'minute', 'second'].map((n) =>
    Number(fields[n] ?? 0),
  );
  const month = MONTHS.indexOf(monthName.toLowerCase());
  if (month < 0 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return null;
  return Date.UTC(fullYear(year), month, day, hour, minute, second) - zoneMinutes(zone.trim()) * MINUTE_MS;
}

/** RFC 5322 section 4.3: two digits below 50 are in this century, other two and all three digits count from 1900. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length === 2) return year < 50 ? 2000 + year : 1900 + year;
  return text.length === 3 ? 1900 + year : year;
}

function zoneMinutes(zone: string): number {
  const offset = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (offset) return (offset[1] === '-' ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3]));
  return (ZONES[zone.toUpperCase()] ?? 0) * 60;
}
