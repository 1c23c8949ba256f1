// offlineimap: keeps every folder as a Maildir, both ways. What is put into the copy of a drop folder is appended, what is moved out of the copy
// of Caught is deleted by this login; a further run finds nothing to do, and the drop folders empty.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from './client.ts';
import { letters, ownMail } from './letters.ts';
import { Maildirs } from './maildirs.ts';
import { runProgram, versionOf } from './programs.ts';
import type { Ended } from './programs.ts';
import { onWholeServer, password, userFolders } from './whole-server.ts';
import type { WholeServer } from './whole-server.ts';

export const offlineimap: Client = {
  name: 'offlineimap',
  needs: { offlineimap: 'offlineimap3' },
  version: async () => `offlineimap ${await versionOf('offlineimap')}`,
  run: onWholeServer(async (server, tell) => {
    await mkdir(server.home, { recursive: true });
    const copies = new Maildirs(join(server.home, 'mail'));
    const sync = syncerFor(server, 'alice@example.com');
    const { release, releaseAndTrain, notSpam, unwanted, infected, invoice, unsure } = letters;

    for (let time = 0; time < 2; time++) {
      await sync();
      // Named as they come over the wire.
      assert.deepEqual(await copies.folders(), userFolders.toSorted());
      await copies.assertHold({
        Caught: [release, releaseAndTrain, notSpam, unwanted, infected, invoice].map(({ raw }) => raw),
        'Training Requested': [unsure.raw],
      });
    }
    tell(`copies ${userFolders.length} folders, the messages byte for byte, and finds nothing new the second time`);

    await copies.put('Spam', ownMail);
    await copies.put('Release', invoice.raw);
    await copies.move(release.raw, 'Caught', 'Release');
    await copies.move(releaseAndTrain.raw, 'Caught', 'Release &- Train');
    await copies.move(notSpam.raw, 'Caught', 'Not Spam');
    await copies.move(unsure.raw, 'Training Requested', 'Spam');
    await sync();
    const left = { Caught: [unwanted, infected, invoice].map(({ raw }) => raw) };
    for (let time = 0; time < 2; time++) {
      await sync();
      await copies.assertHold(left);
    }
    tell('brings what was put or moved into Release, Release & Train, Not Spam and Spam; then finds them empty');

    await copies.put('Release', infected.raw);
    const { stdout } = await sync({ isRefused: true });
    const refusal = /Server responded: (NO .*)/.exec(stdout.toString())?.[1] ?? '';
    assert.match(refusal, /\[NOPERM\] Messages that were quarantined as virus may not be released with this login\./);
    await copies.assertHold({ ...left, Release: [infected.raw] });
    tell(`is refused a virus, and says why: ${refusal}`);

    // Each once, however often it ran.
    await server.check({
      delivered: [release, releaseAndTrain, invoice],
      ham: [releaseAndTrain.raw, notSpam.raw],
      spam: [unsure.raw, ownMail],
      states: {
        // A move is an APPEND, and a deletion by this login alone: the others still see the message, with its mark.
        [release.subject]: /^held, delivered$/,
        [releaseAndTrain.subject]: /^held, delivered, reported as ham$/,
        [notSpam.subject]: /^held, reported as ham$/,
        [invoice.subject]: /^held, delivered$/,
        [unsure.subject]: /^held, reported as spam$/,
      },
    });
  }),
};

/** With the settings file of one login. Each call of the result is one run, both ways. */
function syncerFor(
  { home, imapsPort, certificate }: WholeServer,
  login: string,
): (expected?: { isRefused: boolean }) => Promise<Ended> {
  const settings = join(home, 'offlineimaprc');
  const text = `[general]
accounts = quarantine
metadata = ${home}/metadata
[Account quarantine]
localrepository = copy
remoterepository = server
[Repository copy]
type = Maildir
localfolders = ${home}/mail
[Repository server]
type = IMAP
remotehost = localhost
remoteport = ${imapsPort}
ssl = yes
sslcacertfile = ${certificate}
remoteuser = ${login}
remotepass = ${password.replaceAll('%', '%%')}
createfolders = no
`;
  return async ({ isRefused } = { isRefused: false }) => {
    await writeFile(settings, text, { mode: 0o600 });
    const args = ['-c', settings, '-o', '-u', 'basic'];
    const ended = await runProgram('offlineimap', args, { env: { HOME: home } });
    assert.equal(ended.code !== 0, isRefused, `${ended.stdout.toString()}${ended.stderr}`);
    return ended;
  };
}
