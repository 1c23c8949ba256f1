// mutt, in a terminal of its own, pressing the keys that a person presses: tags messages and saves them to the drops, which is COPY, \Deleted
// and EXPUNGE; brings mail from a local mailbox, which is APPEND. What it said to the server is read from its debug log.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client, Tell } from './client.ts';
import { letters, ownMail } from './letters.ts';
import type { Letter } from './letters.ts';
import { runProgram, versionOf } from './programs.ts';
import { onWholeServer, password } from './whole-server.ts';
import type { WholeServer } from './whole-server.ts';

export const mutt: Client = {
  name: 'mutt',
  // util-linux's script gives it a terminal.
  needs: { mutt: 'mutt', script: 'bsdutils' },
  version: () => versionOf('mutt', '-v'),
  run: onWholeServer(async (server, tell) => {
    await mkdir(server.home, { recursive: true });
    await reads(server, tell);
    await saves(server, tell);
    await bringsMail(server, tell);
    await server.check({
      delivered: [letters.release, letters.releaseAndTrain, letters.invoice, letters.outgoing],
      ham: [letters.releaseAndTrain.raw, letters.notSpam.raw],
      spam: [letters.unsure.raw, ownMail],
      // What mutt writes into the header of mail that it brings.
      ignoring: /^(?:Status|X-Status|Content-Length|Lines): .*\r\n/gm,
      states: {
        // Saving is a copy, and a deletion by this login alone: the others still see the message, with its mark.
        [letters.release.subject]: /^held, delivered$/,
        [letters.releaseAndTrain.subject]: /^held, delivered, reported as ham$/,
        [letters.notSpam.subject]: /^held, reported as ham$/,
        [letters.invoice.subject]: /^held, delivered$/,
        [letters.unsure.subject]: /^held, reported as spam$/,
        [letters.outgoing.subject]: /^deleted .*, delivered$/,
      },
    });
  }),
};

async function reads(server: WholeServer, tell: Tell): Promise<void> {
  const file = join(server.home, 'piped');
  const { said } = await press(server, 'alice@example.com', 'Caught', [
    '<search>~b "liegt bei"<enter>',
    `<pipe-message>cat > ${file}<enter>`,
  ]);
  // It keeps messages with the line ends of its own system.
  assert.equal(await readFile(file, 'latin1'), letters.invoice.raw.toString('latin1').replaceAll('\r\n', '\n'));
  assert.ok(said.includes('* 6 EXISTS'));
  tell('lists Caught, searches in bodies and reads the message that it finds');
}

async function saves(server: WholeServer, tell: Tell): Promise<void> {
  await save(server, 'alice@example.com', 'Caught', [letters.release], 'Release');
  await save(server, 'alice@example.com', 'Caught', [letters.releaseAndTrain], 'Release & Train');
  await save(server, 'alice@example.com', 'Caught', [letters.notSpam], 'Not Spam');
  await save(server, 'alice@example.com', 'Training Requested', [letters.unsure], 'Spam');
  await save(server, 'global', 'Caught (Outgoing)', [letters.outgoing], 'Release');
  tell('saves tagged messages to Release, Release & Train, Not Spam and Spam: COPY, \\Deleted, EXPUNGE');

  const both = [letters.infected, letters.unwanted];
  const { said, screen } = await press(
    server,
    'alice@example.com',
    'Caught',
    [tagging(both), '<tag-prefix><save-message><kill-line>=Release'],
    '\r$q',
  );
  const refusal = said.find((line) => / NO /.test(line));
  assert.match(
    refusal ?? '',
    /NO \[NOPERM\] Nothing was done, because 1 of the 2 messages cannot be accepted\. Messages that were quarantined as virus/,
  );
  assert.match(screen, /NO \[NOPERM\] Nothing was done/, 'a person can read it');
  assert.ok(!said.some((line) => line.includes('EXPUNGE')), 'nothing was deleted');
  tell(`shows why a virus is refused: ${refusal}`);
}

async function bringsMail(server: WholeServer, tell: Tell): Promise<void> {
  const local = join(server.home, 'local');
  for (const folder of ['tmp', 'new', 'cur']) await mkdir(join(local, folder), { recursive: true });
  await writeFile(join(local, 'cur', '1:2,'), ownMail.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  const brought = await press(server, 'alice@example.com', local, [
    '<tag-pattern>~A<enter>',
    `<tag-prefix><save-message><kill-line>${url(server, 'alice@example.com', 'Spam')}<enter>`,
    '<sync-mailbox>',
  ]);
  assert.ok(brought.said.some((line) => /OK \[APPENDUID \d+ \d+\] 1 message will be reported as spam/.test(line)));
  assert.deepEqual(await readdir(join(local, 'cur')), [], 'mutt believes that it was moved');
  tell('moves mail of its own to Spam');

  // Taken home and written anew by mutt, then brought back to be released: what is delivered is what was held.
  await press(server, 'alice@example.com', 'Caught', [
    '<tag-pattern>~f juergen<enter>',
    `<tag-prefix><copy-message><kill-line>${local}<enter>`,
  ]);
  const released = await press(server, 'alice@example.com', local, [
    '<tag-pattern>~A<enter>',
    `<tag-prefix><save-message><kill-line>${url(server, 'alice@example.com', 'Release')}<enter>`,
    '<sync-mailbox>',
  ]);
  assert.ok(released.said.some((line) => /OK \[APPENDUID \d+ \d+\] 1 message will be delivered/.test(line)));
  tell('takes a caught message home and releases it from there');
}

function tagging(what: readonly Letter[]): string {
  return `<tag-pattern>${what.map(({ subject }) => `~s "${subject}"`).join(' | ')}<enter>`;
}

async function save(
  server: WholeServer,
  login: string,
  mailbox: string,
  what: readonly Letter[],
  folder: string,
): Promise<void> {
  const { said } = await press(server, login, mailbox, [
    tagging(what),
    `<tag-prefix><save-message><kill-line>=${folder}<enter>`,
    '<sync-mailbox>',
  ]);
  const commands = said.join('\n');
  assert.match(commands, /> a\d+ UID COPY [\d:,]+ "/, `${folder}: it copies`);
  assert.match(commands, / OK \[COPYUID \d+ [\d:,]+ [\d:,]+\] /, folder);
  assert.match(commands, /> a\d+ UID STORE [\d:,]+ \+FLAGS\.SILENT \(.*\\Deleted.*\)/, folder);
  assert.equal((commands.match(/^\* \d+ EXPUNGE$/gm) ?? []).length, what.length, commands);
}

interface Seen {
  /** The conversation: commands behind `> `, answers as they are. */
  said: string[];
  /** Everything that went to the terminal. */
  screen: string;
}

/**
 * Opens the mailbox (a name, or a path of a local one) and presses the keys.
 * @param typed the last ones, at the keyboard; as long as others wait, mutt does not show what happens
 */
async function press(
  server: WholeServer,
  login: string,
  mailbox: string,
  keys: readonly string[],
  typed = 'q',
): Promise<Seen> {
  const { home, certificate } = server;
  const settings = {
    imap_user: login,
    imap_pass: password,
    folder: url(server, login, ''),
    spoolfile: mailbox.startsWith('/') ? mailbox : `+${mailbox}`,
    certificate_file: certificate,
    ssl_force_tls: 'yes',
    confirmappend: 'no',
    delete: 'yes',
    quit: 'yes',
    mbox_type: 'Maildir',
    pipe_decode: 'no',
    wait_key: 'no',
    sleep_time: '0',
    record: '',
  };
  const lines = [
    ...Object.entries(settings).map(([name, value]) => `set ${name}=${quoted(value)}`),
    // The space bar completes names; here it is part of them.
    'bind editor <space> noop',
    `push ${quoted(keys.join(''))}`,
  ];
  const rc = join(home, 'muttrc');
  await writeFile(rc, `${lines.join('\n')}\n`);
  const log = join(home, '.muttdebug0');
  await rm(log, { force: true });
  const { code, stdout } = await runProgram(
    'script',
    ['--quiet', '--return', '--command', `mutt -d 3 -n -F ${rc}`, join(home, 'typescript')],
    { cwd: home, input: typed, env: { HOME: home, TERM: 'xterm', COLUMNS: '200', LINES: '24' } },
  );
  const screen = stdout.toString();
  assert.equal(code, 0, screen);
  const said = (await readFile(log, 'utf8')).split(/\r?\n/).flatMap((line) => {
    const [, direction, text] = /^\[[^\]]*\] \d([<>]) (.*)$/.exec(line) ?? [];
    if (text === undefined) return [];
    return [direction === '>' ? `> ${text}` : text];
  });
  return { said, screen };
}

function url({ imapsPort }: WholeServer, login: string, mailbox: string): string {
  return `imaps://${login.replace('@', '%40')}@localhost:${imapsPort}/${mailbox}`;
}

function quoted(value: string): string {
  return `"${value.replace(/["\\$\`]/g, '\\$&')}"`;
}
