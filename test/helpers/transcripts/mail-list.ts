// How a transcript names mail: `"Invoice"`, `"Mail 1..60"` (sixty of them), with flags where they matter: `"Invoice" (\Seen)`. And the
// blocks below a statement that spell out bytes: `| text` for a line, `"Invoice"` for the whole mail of that subject.
import { TranscriptError } from './transcript.ts';
import type { Block, ShownMail } from './transcript.ts';
import type { TextLine } from './statements.ts';

const item = /^"([^"]+)"(?: \(([^()]*)\))?(?:, |$)/;

/** At least one. */
export function readMailList(path: string, line: number, text: string): ShownMail[] {
  const mails: ShownMail[] = [];
  for (let rest = text.trimEnd(); rest || !mails.length;) {
    const [whole, name, flags = ''] = item.exec(rest) ?? [];
    if (whole === undefined || name === undefined) {
      const wanted =
        'subjects in quotes, with commas between them, were expected: "One", "Mail 1..60", "Read" (\\Seen)';
      throw new TranscriptError(path, line, `${wanted}; there is: ${rest || 'nothing'}`);
    }
    for (const subject of spreadName(name)) mails.push({ subject, flags: flags.split(' ').filter(Boolean) });
    rest = rest.slice(whole.length);
  }
  return mails;
}

/** The same, where flags have no meaning. */
export function readSubjects(path: string, line: number, text: string): string[] {
  return readMailList(path, line, text).map(({ subject, flags }) => {
    if (flags.length) throw new TranscriptError(path, line, `flags cannot be given here: (${flags.join(' ')})`);
    return subject;
  });
}

/** `Mail 1..3` is `Mail 1`, `Mail 2` and `Mail 3`. */
function spreadName(name: string): string[] {
  const [whole, first = '', last = ''] = /(\d+)\.\.(\d+)/.exec(name) ?? [];
  if (whole === undefined) return [name];
  const numbers = Array.from({ length: Math.max(0, Number(last) - Number(first) + 1) }, (_, i) => Number(first) + i);
  return numbers.map((number) => name.replace(whole, String(number)));
}

export function readBlock(path: string, below: readonly TextLine[], mails: ReadonlyMap<string, Buffer>): Block {
  return Buffer.concat(
    below.map(({ line, text }) => {
      if (text.startsWith('|')) return Buffer.from(`${text.replace(/^\| ?/, '')}\r\n`);
      const [, subject] = /^"([^"]+)"\s*$/.exec(text) ?? [];
      if (subject === undefined) {
        throw new TranscriptError(path, line, `"| text" or a subject in quotes was expected; there is: ${text}`);
      }
      const mail = mails.get(subject);
      if (!mail) throw new TranscriptError(path, line, `no mail has the subject "${subject}" in the given part`);
      return mail;
    }),
  );
}
