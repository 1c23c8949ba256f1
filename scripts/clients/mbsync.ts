// mbsync (isync): first it pulls every folder into Maildirs, as people keep a copy of their mail or read it offline; a second pull finds nothing
// new, what left the quarantine leaves the copy, and nothing changes on the server by being read. Then it synchronises both ways: what is put
// into the copy of a drop folder is appended, what is moved out of the copy of Caught is deleted by this login.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RawImap } from '../../test/helpers/raw-imap.ts';
import type { Client } from './client.ts';
import { lateLetter, letters, ownMail } from './letters.ts';
import type { Letter } from './letters.ts';
import { Maildirs } from './maildirs.ts';
import { runProgram, versionOf } from './programs.ts';
import type { Ended } from './programs.ts';
import { onWholeServer, password, userFolders } from './whole-server.ts';
import type { WholeServer } from './whole-server.ts';

export const mbsync: Client = {
  name: 'mbsync',
  needs: { mbsync: 'isync' },
  version: () => versionOf('mbsync'),
  run: onWholeServer(async (server, tell) => {
    const maildirs = join(server.home, 'mail');
    await mkdir(maildirs, { recursive: true });
    // mbsync marks what it copies, in both directions.
    const copies = new Maildirs(maildirs, { added: /^X-TUID: .*\n/m });
    const user = syncerFor(server, 'alice@example.com');
    const { release, releaseAndTrain, notSpam, unwanted, infected, invoice, unsure } = letters;
    const unread = { 'Training Requested': [unsure.raw] };

    for (let time = 0; time < 2; time++) {
      await user('Pull');
      // Named as they come over the wire.
      assert.deepEqual(await copies.folders(), userFolders.toSorted());
      await copies.assertHold({
        ...unread,
        Caught: [release, releaseAndTrain, notSpam, unwanted, infected, invoice].map(({ raw }) => raw),
      });
    }
    const reader = await RawImap.connect(server.imapsPort);
    await reader.login('alice@example.com', password);
    const { untagged } = await reader.command('STATUS Caught (MESSAGES UNSEEN)');
    await reader.close();
    assert.deepEqual(untagged, ['* STATUS "Caught" (MESSAGES 6 UNSEEN 6)'], 'to be copied is not to be read');
    tell(`pulls ${userFolders.length} folders, the messages byte for byte, and finds nothing new the second time`);

    const listed = (await server.lazaretto('message', 'list')) as { id: string; headers: { subject: string } }[];
    const idOf = ({ subject }: Letter): string => listed.find(({ headers }) => headers.subject === subject)?.id ?? '';
    await server.lazaretto('message', 'release', idOf(release));
    // Deleting stops no delivery.
    await server.lazaretto('message', 'delete', idOf(release), idOf(unwanted));
    await server.handIn(lateLetter);
    await user('Pull');
    await copies.assertHold({
      ...unread,
      Caught: [releaseAndTrain, notSpam, infected, invoice, lateLetter].map(({ raw }) => raw),
    });
    tell('pulls what came meanwhile, and drops what an administrator released and deleted');

    await copies.put('Spam', ownMail);
    await copies.put('Release', invoice.raw);
    await copies.move(releaseAndTrain.raw, 'Caught', 'Release &- Train');
    await copies.move(notSpam.raw, 'Caught', 'Not Spam');
    const left = { ...unread, Caught: [infected, invoice, lateLetter].map(({ raw }) => raw) };
    for (let time = 0; time < 2; time++) await user('All');
    await copies.assertHold(left);
    tell('synchronises both ways: reports, releases, and finds the drop folders empty');

    await copies.put('Release', infected.raw);
    const { stdout, stderr } = await user('All');
    const refusal = /NO \[NOPERM\] .*/.exec(`${stdout.toString()}${stderr}`)?.[0] ?? '';
    assert.match(refusal, /Messages that were quarantined as virus may not be released with this login\./);
    await copies.assertHold({ ...left, Release: [infected.raw] });
    tell(`is refused a virus, and says why: ${refusal}`);

    await server.check({
      delivered: [release, releaseAndTrain, invoice],
      ham: [releaseAndTrain.raw, notSpam.raw],
      spam: [ownMail],
      states: {
        [release.subject]: /^deleted .*, delivered$/,
        [unwanted.subject]: /^deleted /,
        // A move is an APPEND, and a deletion by this login alone: the others still see the message, with its mark.
        [releaseAndTrain.subject]: /^held, delivered, reported as ham$/,
        [notSpam.subject]: /^held, reported as ham$/,
        [invoice.subject]: /^held, delivered$/,
      },
    });
  }),
};

type Sync = (operations: 'Pull' | 'All') => Promise<Ended>;

/** With the settings file of one login. Each call of the result is one run. */
function syncerFor({ home, imapsPort, certificate }: WholeServer, login: string): Sync {
  const settings = join(home, 'mbsyncrc');
  return async (operations) => {
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
Sync ${operations}
Create Near
Remove Near
Expunge ${operations === 'All' ? 'Both' : 'Near'}
SyncState *
`;
    await writeFile(settings, text, { mode: 0o600 });
    const ended = await runProgram('mbsync', ['--config', settings, '--all'], { env: { HOME: home } });
    // A refusal is no failure to mbsync, but a warning.
    assert.equal(ended.code, 0, `${ended.stdout.toString()}${ended.stderr}`);
    return ended;
  };
}
