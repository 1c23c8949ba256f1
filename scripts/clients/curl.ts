// curl: folders, search, parts, APPEND by upload and drags as custom commands, over TLS and STARTTLS.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client, Tell } from './client.ts';
import { letters, ownMail } from './letters.ts';
import { runProgram, versionOf } from './programs.ts';
import { onWholeServer, password, userFolders } from './whole-server.ts';
import type { WholeServer } from './whole-server.ts';

/** curl's exit codes. */
const refusedCommand = 21;
const refusedUpload = 25;
const refusedLogin = 67;

interface Answer {
  code: number | null;
  stdout: Buffer;
  /** What the server said, line by line, from curl's own record of the conversation. */
  said: string[];
}

type Curl = (login: string, path: string, ...args: string[]) => Promise<Answer>;

function curlFor(server: WholeServer): Curl {
  return async (login, path, ...args) => {
    const url = path.startsWith('imap://') ? path : `imaps://localhost:${server.imapsPort}/${path}`;
    const user = ['--user', `${login}:${password}`];
    const { code, stdout, stderr } = await runProgram('curl', [
      ...['--disable', '--silent', '--verbose', '--cacert', server.certificate],
      ...user,
      ...args,
      url,
    ]);
    const said = stderr.split(/\r?\n/).flatMap((line) => (line.startsWith('< ') ? [line.slice(2)] : []));
    return { code, stdout, said };
  };
}

export const curl: Client = {
  name: 'curl',
  needs: { curl: 'curl' },
  version: () => versionOf('curl'),
  run: onWholeServer(async (server, tell) => {
    const run = curlFor(server);
    await mkdir(server.home, { recursive: true });
    await reads(run, server, tell);
    await drags(run, tell);
    await uploads(run, server, tell);
    await server.check({
      delivered: [letters.release, letters.releaseAndTrain, letters.invoice, letters.outgoing],
      ham: [letters.releaseAndTrain.raw, letters.notSpam.raw],
      spam: [letters.unsure.raw, ownMail],
      states: {
        [letters.release.subject]: /^released .*, delivered$/,
        [letters.releaseAndTrain.subject]: /^released .*, delivered, reported as ham$/,
        [letters.notSpam.subject]: /^reported .*, reported as ham$/,
        [letters.unwanted.subject]: /^deleted /,
        // Uploading a held message acts like a copy: it stays in its view.
        [letters.invoice.subject]: /^held, delivered$/,
        [letters.unsure.subject]: /^reported .*, reported as spam$/,
        [letters.outgoing.subject]: /^released .*, delivered$/,
      },
    });
  }),
};

async function reads(run: Curl, { imapPort }: WholeServer, tell: Tell): Promise<void> {
  const expected = userFolders.map((name) => `* LIST (\\HasNoChildren \\Noinferiors) "/" "${name}"\r\n`).join('');
  const starttls = `imap://localhost:${imapPort}/`;
  assert.equal((await run('alice@example.com', '')).stdout.toString(), expected);
  assert.equal((await run('alice@example.com', starttls, '--ssl-reqd')).stdout.toString(), expected);
  const inClear = await run('alice@example.com', starttls);
  assert.equal(inClear.code, refusedLogin, 'no password is taken in clear');
  tell('lists the folders, over TLS and STARTTLS, and does not get in without');

  const found = await run('alice@example.com', 'Caught?SUBJECT%20release');
  assert.equal(found.stdout.toString(), '* SEARCH 1 2\r\n');
  const nested = await run(
    'alice@example.com',
    'Caught?OR%20FROM%20juergen%20NOT%20OR%20BODY%20release%20BODY%20%22text%20of%22',
  );
  assert.equal(nested.stdout.toString(), '* SEARCH 6\r\n');
  for (const [index, letter] of [letters.release, letters.releaseAndTrain, letters.notSpam].entries()) {
    const { code, stdout } = await run('alice@example.com', `Caught;UID=${index + 1}`);
    assert.equal(code, 0);
    assert.ok(stdout.equals(letter.raw), `${letter.subject} comes byte for byte`);
  }
  const part = await run('alice@example.com', 'Caught;MAILINDEX=6;SECTION=1');
  assert.equal(part.stdout.toString(), 'Die Rechnung über 100 € liegt bei.');
  const field = await run('alice@example.com', 'Caught;UID=6;SECTION=HEADER.FIELDS%20(SUBJECT)');
  assert.equal(field.stdout.toString(), 'Subject: =?utf-8?q?Rechnung_f=C3=BCr_M=C3=A4rz?=\r\n\r\n');
  const gone = await run('alice@example.com', 'Caught;UID=99');
  assert.equal(gone.code, 78, 'what is not there is not found');
  tell('searches, and reads messages and parts byte for byte');
}

async function drags(run: Curl, tell: Tell): Promise<void> {
  const command = async (login: string, mailbox: string, line: string): Promise<Answer> =>
    run(login, encodeURIComponent(mailbox), '--request', line);
  const moves: [login: string, mailbox: string, line: string][] = [
    ['alice@example.com', 'Caught', 'UID MOVE 1 Release'],
    ['example.com', 'Caught', 'UID MOVE 2 "Release &- Train"'],
    ['global', 'Caught', 'UID MOVE 3 "Not Spam"'],
    ['alice@example.com', 'Training Requested', 'UID MOVE 1:* Spam'],
    ['global', 'Caught (Outgoing)', 'UID MOVE 1:* Release'],
  ];
  for (const [login, mailbox, line] of moves) {
    const { code, stdout } = await command(login, mailbox, line);
    assert.equal(code, 0, `${login}: ${line}`);
    assert.match(stdout.toString(), /^\* OK \[COPYUID \d+ \d+ 1\] Moved\r\n\* 1 EXPUNGE\r\n$/);
    const again = await command(login, mailbox, line);
    assert.equal(again.code, 0, 'what is gone is no error');
    assert.equal(again.stdout.toString(), '');
  }
  tell('moves messages to Release, Release & Train, Not Spam and Spam, as three logins');

  const virus = await command('alice@example.com', 'Caught', 'UID MOVE 5 Release');
  assert.equal(virus.code, refusedCommand);
  const refusal = virus.said.find((line) => line.includes(' NO '));
  assert.match(
    refusal ?? '',
    /NO \[NOPERM\] Messages that were quarantined as virus may not be released with this login\./,
  );
  tell(`is refused a virus: ${refusal}`);

  // curl closes the folder by LOGOUT, which deletes nothing.
  await command('global', 'Caught', 'UID STORE 4 +FLAGS (\\Deleted)');
  const expunged = await command('global', 'Caught', 'EXPUNGE');
  assert.equal(expunged.stdout.toString(), '* 1 EXPUNGE\r\n');
  tell('deletes one for all, as global');
}

async function uploads(run: Curl, { home }: WholeServer, tell: Tell): Promise<void> {
  const upload = async (login: string, mailbox: string, raw: Buffer): Promise<Answer> => {
    const file = join(home, 'upload.eml');
    await writeFile(file, raw);
    return run(login, encodeURIComponent(mailbox), '--upload-file', file);
  };
  assert.equal((await upload('example.com', 'Spam', ownMail)).code, 0);
  for (let time = 0; time < 2; time++) {
    assert.equal((await upload('alice@example.com', 'Release', letters.invoice.raw)).code, 0, 'a replay is no error');
  }
  const foreign = await upload('alice@example.com', 'Release &- Train', ownMail);
  assert.equal(foreign.code, refusedUpload);
  const refusal = foreign.said.find((line) => line.includes(' NO '));
  assert.match(refusal ?? '', /NO \[CANNOT\] This message is not in the quarantine, so it cannot be released\./);
  // Refused before a byte of it was sent.
  assert.equal((await upload('alice@example.com', 'Caught', ownMail)).code, refusedUpload);
  tell(`uploads mail of its own to Spam and a held message to Release; no other: ${refusal}`);
}
