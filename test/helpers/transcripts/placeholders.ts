// Placeholders in the lines of a transcript: `<uid 3>`, `<uidvalidity Caught>`, `<date>`. The first word says what fits; the whole name says
// which one it is: bound where it is first seen in a line of the server, and the same from then on. What the mail program sends may use
// those that are bound, and `<password>` and `<plain LOGIN>` or
// `<plain LOGIN as LOGIN>` (for AUTHENTICATE PLAIN). What `<` begins in IMAP itself, `<0.2048>` and
// message ids, is no placeholder. Strings hold one byte per character, as on the wire.

const kinds: Record<string, string> = {
  uid: '[1-9]\\d*',
  uids: '[1-9]\\d*(?:[:,][1-9]\\d*)*',
  uidvalidity: '[1-9]\\d*',
  uidnext: '[1-9]\\d*',
  number: '\\d+',
  // RFC 3501 section 9 (date-time).
  date: '"[ \\d]\\d-[A-Z][a-z]{2}-\\d{4} \\d{2}:\\d{2}:\\d{2} [+-]\\d{4}"',
  word: '[^ ()"]+',
};

export const placeholder = /<([a-z]+(?: [^<>]+)?)>/g;

export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(placeholder)].map(([, name = '']) => name);
}

/** What fits, as the source of a regular expression; null for a first word that is no kind of placeholder. */
export function shapeOf(name: string): string | null {
  const kind = name.split(' ', 1)[0] ?? '';
  return Object.hasOwn(kinds, kind) ? (kinds[kind] ?? null) : null;
}

export const knownKinds: readonly string[] = Object.keys(kinds);

/** Of what the mail program itself knows: null when this is none of it. */
export function credential(name: string, password: string): string | null {
  if (name === 'password') return password;
  // RFC 4616 section 2: some programs say whom they act for, although it is themselves.
  const [, login, , asItself = ''] = /^plain (\S+)( as (\1))?$/.exec(name) ?? [];
  return login === undefined ? null : Buffer.from(`${asItself}\0${login}\0${password}`).toString('base64');
}
