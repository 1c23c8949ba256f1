// Reads the argument of MAIL FROM and RCPT TO: the address exactly as the client wrote it, and the parameters. Changes nothing in the
// address (smtp-server's own parser decodes IDNA and turns quoted local parts away), because a release goes to it as it came.
// Decides only whether it can be an address at all. Used by smtp-shell.ts and by the import of files.
import { isUtf8 } from 'node:buffer';
import { maxPathBytes } from './limits.ts';

export interface EnvelopePath {
  /** `''` is the null reverse-path. */
  address: string;
  /** Upper-case names; `true` where there was no value. False when there are none: smtp-server's own form. */
  args: Record<string, string | true> | false;
  /** A parameter that was given twice. */
  duplicate?: string;
}

// RFC 5321 section 4.1.2, with two liberties that the servers in front of us take too: dots may stand anywhere in a local part
// (`user..name.@docomo.ne.jp` exists), and RFC 6531 lets every character beyond ASCII in. C1 controls have no business in either.
const atom = String.raw`[^\s"()<>\[\]:;@\\,\x00-\x1f\x7f-\x9f]+`;
const quoted = String.raw`"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\[^\x00-\x1f\x7f-\x9f])*"`;
const literal = String.raw`\[[^\[\]\s<>\x00-\x1f\x7f-\x9f]+\]`;
const mailbox = String.raw`(?:${atom}|${quoted})@(?:${atom}|${literal})`;
// RFC 5321 appendix C: a source route must be accepted and should be ignored.
const route = String.raw`(?:@${atom}(?:,@${atom})*:)?`;
const pathPatterns = {
  // A sender without a domain (`<root>`) cannot be answered, but mail is not lost for its sender.
  'MAIL FROM': new RegExp(String.raw`^<${route}(${mailbox}|${atom}|)>(?=\s|$)`),
  'RCPT TO': new RegExp(String.raw`^<${route}(${mailbox})>(?=\s|$)`),
};

export type PathCommand = keyof typeof pathPatterns;

const mailboxPattern = new RegExp(`^${mailbox}$`);

/** Whether text from elsewhere (a header, the command line) may become an envelope address: nothing in it can break a command line. */
export function isMailbox(text: string): boolean {
  return Buffer.byteLength(text) <= maxPathBytes && mailboxPattern.test(text);
}

/**
 * @param command the whole line without its end
 * @returns null when there is no address of a possible form
 */
export function parseEnvelopePath(command: Buffer, verb: PathCommand): EnvelopePath | null {
  // A string cannot hold what is no UTF-8; the address would be kept as another one.
  if (!isUtf8(command)) return null;
  const line = command.toString('utf8');
  const colon = line.indexOf(':');
  if (colon < 0 || line.slice(0, colon).trim().toUpperCase() !== verb) return null;
  const argument = line.slice(colon + 1).trim();
  const path = pathPatterns[verb].exec(argument);
  const address = path?.[1];
  if (!path || address === undefined || Buffer.byteLength(address) > maxPathBytes) return null;
  const parameters = argument
    .slice(path[0].length)
    .split(/\s+/)
    .filter((text) => text !== '');
  return { address, ...readParameters(parameters) };
}

function readParameters(parameters: string[]): Pick<EnvelopePath, 'args' | 'duplicate'> {
  if (!parameters.length) return { args: false };
  const args: Record<string, string | true> = {};
  let duplicate: string | undefined;
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    const name = (equals < 0 ? parameter : parameter.slice(0, equals)).toUpperCase();
    if (Object.hasOwn(args, name)) duplicate = name;
    args[name] = equals < 0 || equals === parameter.length - 1 ? true : parameter.slice(equals + 1);
  }
  return { args, ...(duplicate === undefined ? {} : { duplicate }) };
}
