// Gets a password from a person or a script: typed twice without being shown, or one line on stdin. Never from the command's words,
// which everybody on the machine can read. Called by the account commands.
import type { ReadStream } from 'node:tty';
import { CommandFailed, UsageError } from './failures.ts';

/** @throws UsageError when there is nobody to ask */
export async function askPassword(name: string, { fromStdin }: { fromStdin: boolean }): Promise<string> {
  if (fromStdin) return firstLine(process.stdin);
  if (!process.stdin.isTTY) {
    throw new UsageError('there is no terminal to ask for the password on; give it as one line with --password-stdin.');
  }
  return typedTwice(process.stdin, name);
}

/** The terminal shows nothing from before the first prompt until after the second answer, also not what is typed too early. */
async function typedTwice(terminal: ReadStream, name: string): Promise<string> {
  terminal.setRawMode(true);
  terminal.setEncoding('utf8');
  try {
    const password = await typedLine(terminal, `Password for ${name}: `);
    if ((await typedLine(terminal, 'Once more: ')) !== password) throw new CommandFailed('The two passwords differ.');
    return password;
  } finally {
    terminal.setRawMode(false);
    terminal.pause();
  }
}

async function firstLine(stdin: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (chunk.includes(0x0a)) break;
  }
  const text = new TextDecoder('utf-8', { fatal: true });
  let all: string;
  try {
    all = text.decode(Buffer.concat(chunks));
  } catch {
    throw new UsageError('the password on stdin is not UTF-8.');
  }
  const [line = '', ...rest] = all.split(/\r?\n/);
  // A second line is surely a mistake, and half a password would lock the person out.
  if (rest.some((more) => more !== '')) throw new UsageError('stdin holds more than the one line of the password.');
  return line;
}

async function typedLine(terminal: ReadStream, prompt: string): Promise<string> {
  process.stderr.write(prompt);
  try {
    return await new Promise<string>((resolve, reject) => {
      let line: string[] = [];
      const settle = (end: () => void): void => {
        terminal.pause();
        terminal.off('data', onData);
        end();
      };
      const onData = (text: string): void => {
        const characters = [...text];
        for (const [index, character] of characters.entries()) {
          if (character === '\r' || character === '\n') {
            // What was typed after it is for the next prompt.
            const rest = characters.slice(index + 1).join('');
            return settle(() => {
              if (rest) terminal.unshift(rest);
              resolve(line.join(''));
            });
          }
          // Ctrl-C and Ctrl-D reach us as characters, because the terminal is raw.
          if (character === '\u0003' || character === '\u0004')
            return settle(() => reject(new CommandFailed('Cancelled.')));
          if (character === '\u0015') line = [];
          else if (character === '\u007f' || character === '\b') line.pop();
          else line.push(character);
        }
      };
      terminal.on('data', onData);
      terminal.resume();
    });
  } finally {
    process.stderr.write('\n');
  }
}
