// Makes decoded text fit for a list, a terminal or a log line: one line, nothing invisible, bounded.
// Called by summary, preview, attachments and evidence.

// Controls could drive a terminal; directional overrides show "exe.txt" for "txt.exe"; zero-width characters are what
// advertisers pad a preview with.
const invisible = /[\p{Cc}\u00ad\u034f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** At most `max` characters (UTF-16), never half a surrogate pair. */
export function readableLine(text: string, max: number): string {
  return cut(
    text
      .replace(/[\t\n\r\v\f]/g, ' ')
      .replace(invisible, '')
      .replace(/\s+/g, ' ')
      .trim(),
    max,
  );
}

function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
}
