// Makes true what the given part of a transcript says: a whole server with these settings, logins and messages.
import type { FarEndOptions } from '../far-end.ts';
import { insertMessage, newContent } from '../messages.ts';
import { startTestServer } from '../server.ts';
import type { TestServer } from '../server.ts';
import { ownerFor } from '../../../src/quarantine/receive.ts';
import { TranscriptError } from './transcript.ts';
import type { Given, HeldMail, Transcript } from './transcript.ts';

/** More attempts than any transcript takes. */
const attempts = 100;

export async function setStage({ path, given }: Transcript): Promise<TestServer> {
  const { logins, dropFolders, folders, refusedRecipients } = given;
  const farEnd: FarEndOptions = { script: Array.from({ length: attempts }, () => ({ rcpt: refusedRecipients })) };
  const server = await startTestServer({ logins, dropFolders, folders, farEnd });
  try {
    for (const mail of given.held) await bringMail(server, { path, given, mail });
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/** Puts mail into its view as intake would, with the category that the filter would have given. */
export async function bringMail(
  { quarantine, storage }: TestServer,
  { path, given, mail }: { path: string; given: Given; mail: HeldMail },
): Promise<void> {
  const { view, subjects, owners, recipients, category } = mail;
  for (const subject of subjects) {
    const content = newContent(given.mails.get(subject) ?? '');
    for (const address of owners) {
      const sender = view === 'outgoing' ? address : 'sender@remote.example';
      const envelope = { sender, recipients: view === 'outgoing' ? recipients : [address] };
      const owner = ownerFor(quarantine, view, sender, address);
      if (!owner.domain)
        throw new TranscriptError(path, mail.line, `${address} belongs to no domain of the test server`);
      const flags = { global: mail.flags, domain: mail.flags, user: mail.flags };
      await insertMessage(storage, { content, view, owner, envelope, category, flags });
    }
  }
}
