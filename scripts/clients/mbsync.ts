// mbsync (isync): pulls every folder into Maildirs, as people keep a copy of their mail or read it offline; a second pull finds nothing new,
// and what left the quarantine leaves the copy. Nothing is pushed, and nothing may change on the server by being read.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from './client.ts';
import { RawImap } from '../../test/helpers/raw-imap.ts';
import { lateLetter, letters } from './letters.ts';
import type { Letter } from './letters.ts';
import { runProgram, versionOf } from './programs.ts';
import { onWholeServer, password } from './whole-server.ts';
import type { WholeServer } from './whole-server.ts';

/** As they come over the wire: mbsync names its directories like that. */
const folders = ['INBOX', 'Caught', 'Training Requested', 'Release', 'Release &- Train', 'Not Spam', 'Spam'];

export const mbsync: Client = {
  name: 'mbsync',
  needs: { mbsync: 'isync' },
  version: () => versionOf('mbsync'),
  run: onWholeServer(async (server, tell) => {
    const maildirs = join(server.home, 'mail');
    await mkdir(maildirs, { recursive: true });
    const user = pullerFor(server, 'alice@example.com');
    await user();
    assert.deepEqual((await readdir(maildirs)).sort(), folders.toSorted());
    const { release, releaseAndTrain, notSpam, unwanted, infected, invoice, unsure } = letters;
    const caught = [release, releaseAndTrain, notSpam, unwanted, infected, invoice];
    await assertPulled(maildirs, { Caught: caught, 'Training Requested': [unsure] });
    tell(`pulls ${folders.length} folders, the messages byte for byte`);

    await user();
    await assertPulled(maildirs, { Caught: caught, 'Training Requested': [unsure] });
    const reader = await RawImap.connect(server.imapsPort);
    await reader.login('alice@example.com', password);
    const { untagged } = await reader.command('STATUS Caught (MESSAGES UNSEEN)');
    await reader.close();
    assert.deepEqual(untagged, ['* STATUS "Caught" (MESSAGES 6 UNSEEN 6)'], 'to be copied is not to be read');
    tell('pulls again, and finds nothing new');

    const listed = (await server.lazaretto('message', 'list')) as { id: string; headers: { subject: string } }[];
    const idOf = ({ subject }: Letter): string => listed.find(({ headers }) => headers.subject === subject)?.id ?? '';
    await server.lazaretto('message', 'release', idOf(release));
    // Deleting stops no delivery.
    await server.lazaretto('message', 'delete', idOf(release), idOf(unwanted));
    await server.handIn(lateLetter);
    await user();
    await assertPulled(maildirs, {
      Caught: [releaseAndTrain, notSpam, infected, invoice, lateLetter],
      'Training Requested': [unsure],
    });
    tell('pulls what came meanwhile, and drops what an administrator released and deleted');

    await server.check({
      delivered: [release],
      ham: [],
      spam: [],
      states: { [release.subject]: /^deleted .*, delivered$/, [unwanted.subject]: /^deleted / },
    });
  }),
};

/** With the settings file of one login. Each call of the result is one pull. */
function pullerFor({ home, imapsPort, certificate }: WholeServer, login: string): () => Promise<void> {
  const settings = join(home, 'mbsyncrc');
  const text = `IMAPAccount quarantine
Host localhost
Port ${imapsPort}
User ${login}
Pass "${password.replace(/["\\]/g, '\\$&')}"
SSLType IMAPS
CertificateFile ${certificate}

IMAPStore quarantine
Account quarantine

MaildirStore copy
Path ${home}/mail/
Inbox ${home}/mail/INBOX
SubFolders Verbatim

Channel all
Far :quarantine:
Near :copy:
Patterns *
Sync Pull
Create Near
Remove Near
Expunge Near
SyncState *
`;
  return async () => {
    await writeFile(settings, text, { mode: 0o600 });
    const { code, stdout, stderr } = await runProgram('mbsync', ['--config', settings, '--all'], {
      env: { HOME: home },
    });
    assert.equal(code, 0, `${stdout.toString()}${stderr}`);
  };
}

/** Folders that are not named are empty, but for the one message in INBOX that explains them to a new login. */
async function assertPulled(maildirs: string, expected: Partial<Record<string, readonly Letter[]>>): Promise<void> {
  for (const folder of folders) {
    const texts: string[] = [];
    for (const part of ['new', 'cur']) {
      const directory = join(maildirs, folder, part);
      for (const name of await readdir(directory)) texts.push(await readFile(join(directory, name), 'latin1'));
    }
    if (folder === 'INBOX') {
      assert.equal(texts.length, 1, folder);
      assert.match(texts[0] ?? '', /^Subject: How this quarantine works$/m);
      continue;
    }
    // mbsync marks what it copies; and in a Maildir lines end with LF.
    const pulled = texts.map((text) => text.replace(/^X-TUID: .*\n/m, ''));
    const wanted = (expected[folder] ?? []).map(({ raw }) => raw.toString('latin1').replaceAll('\r\n', '\n'));
    assert.deepEqual(pulled.sort(), wanted.sort(), folder);
  }
}
