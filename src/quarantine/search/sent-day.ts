// Calendar days as searches count them: whole days since 1970-01-01. Null is the answer to anything malformed; no function here guesses.
// Called by message-text.ts for the Date field, and by the edge that reads the days that people search for.

export const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
export const dayMs = 86_400_000;

/** The day that a Date field names, in its own time zone: SENTON and its like disregard time and zone. */
export function sentDay(value: string): number | null {
  const parts = /(?:^|[\s,])(\d{1,2})[\s-]+([A-Za-z]{3})[A-Za-z]*[\s-]+(\d{2,4})(?!\d)/.exec(value.slice(0, 200));
  if (parts === null) return null;
  const [, day = '', month = '', written = ''] = parts;
  const year = Number(written);
  // RFC 5322 section 4.3: years of two digits are 1950 to 2049, years of three digits count from 1900.
  const full = written.length === 4 ? year : written.length === 2 && year < 50 ? year + 2000 : year + 1900;
  return calendarDay(day, month, String(full));
}

/** @param month its first three letters in English */
export function calendarDay(day: string, month: string, year: string): number | null {
  const monthIndex = months.findIndex((name) => name.toUpperCase() === month.toUpperCase());
  if (monthIndex < 0) return null;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), monthIndex, Number(day));
  // The 31st of February would roll over into March.
  return date.getUTCMonth() === monthIndex && date.getUTCDate() === Number(day) ? date.getTime() / dayMs : null;
}
