// Python's imaplib: the story of three logins over TLS and STARTTLS (imaplib_story.py), and what became of it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Client } from './client.ts';
import { letters, ownMail } from './letters.ts';
import { runProgram, versionOf } from './programs.ts';
import { onWholeServer, password } from './whole-server.ts';

export const imaplib: Client = {
  name: 'imaplib',
  needs: { python3: 'python3' },
  version: () => versionOf('python3'),
  run: onWholeServer(async (server, tell) => {
    const { imapsPort, imapPort, certificate } = server;
    const mail = Object.entries(letters).map(([name, { raw }]) => [name, raw.toString('base64')]);
    const { code, stdout, stderr } = await runProgram('python3', [join(import.meta.dirname, 'imaplib_story.py')], {
      input: JSON.stringify({
        imapsPort,
        imapPort,
        certificate,
        password,
        letters: Object.fromEntries(mail) as unknown,
        ownMail: ownMail.toString('base64'),
      }),
    });
    for (const line of stdout.toString().trimEnd().split('\n')) tell(line);
    assert.equal(code, 0, stderr);
    await server.check({
      delivered: [letters.release, letters.releaseAndTrain, letters.outgoing],
      ham: [letters.releaseAndTrain.raw, letters.notSpam.raw],
      spam: [letters.unsure.raw, ownMail],
      states: {
        [letters.release.subject]: /^released .*, delivered$/,
        [letters.releaseAndTrain.subject]: /^held, delivered, reported as ham$/,
        [letters.notSpam.subject]: /^reported .*, reported as ham$/,
        [letters.unsure.subject]: /^reported .*, reported as spam$/,
        [letters.outgoing.subject]: /^released .*, delivered$/,
        // Deleted by alice alone: the domain and the administrator still see it.
        [letters.unwanted.subject]: /^held$/,
      },
    });
  }),
};
