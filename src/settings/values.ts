// The kinds of values that a settings file may hold (durations, sizes, ports, networks, URLs …), each with the words in which it is
// asked for. Every schema's error message is what was *expected*; what was *found* is added by problems.ts.
// Checks text only: opens no file and no connection. Called by src/settings.ts.
import { isIP } from 'node:net';
import { z } from 'zod';

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const longestMs = 36_500 * unitMs.d;

const unitBytes: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** A map with exactly these keys; an unknown one is answered with the nearest known one, one line for each. */
export function section<S extends z.ZodRawShape>(shape: S) {
  const keys = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => nearestKey(key, keys)).join('\n')
        : `a section with the keys ${keys.join(', ')}`,
  });
}

/** Text that passes a test; `kind` is the word for it in the documentation. */
export function text(kind: string, expected: string, isRight: (value: string) => boolean = (value) => value !== '') {
  return z.string({ error: expected }).refine(isRight, { error: expected }).meta({ kind });
}

export function oneOf<const T extends readonly string[]>(values: T) {
  return z.enum(values, { error: `one of: ${values.join(', ')}` }).meta({ kind: values.join(' | ') });
}

export function listOf<T extends z.ZodType>(item: T, kind: string) {
  return z.array(item, { error: `a list of ${kind}` }).meta({ kind: `list of ${kind}` });
}

export function onOff() {
  return z.boolean({ error: 'true or false' }).meta({ kind: 'true | false' });
}

export function wholeNumber(least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`;
  return z
    .int({ error: expected })
    .min(least, { error: expected })
    .max(most, { error: expected })
    .meta({ kind: 'number' });
}

export function port() {
  const expected = 'a port number from 1 to 65535, or 0 for any free port';
  return z.int({ error: expected }).min(0, { error: expected }).max(65_535, { error: expected }).meta({ kind: 'port' });
}

/** Read to milliseconds. A number without a unit is refused, because nobody would agree on the unit. */
export function duration({ mayBeZero = false } = {}) {
  const expected = `a duration${mayBeZero ? '' : ' above zero'} such as 90s, 15m, 2h, 14d or 6w (100 years at most)`;
  return z
    .codec(z.string({ error: expected }), z.number(), {
      decode: (value, context) => {
        const match = /^(\d{1,9})([smhdw])$/.exec(value.trim());
        const ms = match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : NaN;
        if (ms <= longestMs && (ms > 0 || mayBeZero)) return ms;
        context.issues.push({ code: 'custom', message: expected, input: value });
        return z.NEVER;
      },
      encode: (ms) => `${ms / unitMs.s}s`,
    })
    .meta({ kind: 'duration' });
}

/** Read to bytes. A bare number is bytes. */
export function size(leastBytes: number, mostBytes: number) {
  const expected = `a size such as 50MB or 1GiB, from ${leastBytes} to ${mostBytes} bytes`;
  return z
    .codec(z.union([z.string(), z.number()], { error: expected }), z.number(), {
      decode: (value, context) => {
        const match = /^(\d+(?:\.\d+)?)\s*([kmg]?i?b)?$/i.exec(String(value).trim());
        const bytes = match ? Math.round(Number(match[1]) * (unitBytes[(match[2] ?? 'b').toLowerCase()] ?? NaN)) : NaN;
        if (bytes >= leastBytes && bytes <= mostBytes) return bytes;
        context.issues.push({ code: 'custom', message: expected, input: value });
        return z.NEVER;
      },
      encode: (bytes) => bytes,
    })
    .meta({ kind: 'size' });
}

/** An address to listen on. No host names: what a name resolves to may change, and with it who can reach the listener. */
export function listenAddress() {
  return text(
    'IP address',
    'an IP address such as 127.0.0.1, 0.0.0.0 (all IPv4), :: (all) or ::1',
    (value) => isIP(value) !== 0,
  );
}

/** Only this machine can connect to it. */
export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\./i.test(address) || /^(0{0,4}:){2,7}0{0,3}1$/.test(address);
}

/** Listening on it means listening on every address of its kind. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || /^[0:]+$/.test(address);
}

export function network() {
  return text('network', 'a network such as 10.0.0.0/8, 2001:db8::/32 or a single IP address', (value) => {
    const [address = '', prefix, ...rest] = value.split('/');
    const version = isIP(address);
    if (version === 0 || rest.length || address.includes('%')) return false;
    return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
  });
}

/** A host name, or (where certificates are chosen) `*.example.com`. Read to lower case. */
export function hostName({ wildcard = false } = {}) {
  const label = '(?!-)[a-z0-9_-]{1,63}(?<!-)';
  const pattern = new RegExp(`^${wildcard ? '(\\*\\.)?' : ''}${label}(\\.${label})*$`, 'i');
  const expected = `a host name such as mail.example.net${wildcard ? ' or *.example.net' : ''}`;
  return text('host name', expected, (value) => value.length <= 253 && pattern.test(value))
    .toLowerCase()
    .meta({ kind: 'host name' });
}

/** Where mail goes. Here only the form is checked, in general; whoever makes the connection has the last word. */
export function deliveryUrl() {
  return text(
    'delivery URL',
    'smtp://host:port, smtps://host:port, lmtp://host:port, lmtp:/path/to/socket or mx',
    (value) => value === 'mx' || /^lmtp:\/[^/\s]\S*$/.test(value) || isHostUrl(value),
  );
}

function isHostUrl(value: string): boolean {
  const url = URL.parse(value);
  if (!url || !/^(smtps?|lmtp):$/.test(url.protocol) || url.hostname === '' || url.port === '0') return false;
  const isBare = /^\/?$/.test(url.pathname) && !url.search && !url.hash;
  // LMTP knows no logins here; SMTP needs both halves of one.
  return isBare && (url.protocol === 'lmtp:' ? !url.username && !url.password : !url.username === !url.password);
}

export function httpUrl() {
  return text('URL', 'an address such as http://127.0.0.1:11334', (value) => {
    const url = URL.parse(value);
    return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && !url.username && !url.password;
  });
}

/** `sqlite:` in memory is refused: the mail would be gone with the process. A MongoDB URL names its database, else it would be `test`. */
export function storeUrl() {
  return text(
    'store URL',
    'sqlite:PATH or mongodb://HOST/DATABASE',
    (value) =>
      /^sqlite:(?!:memory:)\s*\S/.test(value) || /^mongodb(\+srv)?:\/\/[^/\s]+\/[^/\s?."$\\]+(\?\S*)?$/.test(value),
  );
}

/** The known key that was probably meant; all of them when none is near. */
function nearestKey(key: string, known: readonly string[]): string {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_ ]/g, '');
  const ranked = known
    .map((name) => ({ name, distance: editDistance(plain(key), plain(name)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best && best.distance <= Math.max(1, Math.floor(best.name.length / 3))) return `"${best.name}", perhaps`;
  return `one of: ${known.join(', ')}`;
}

/** Levenshtein's distance, row by row. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
