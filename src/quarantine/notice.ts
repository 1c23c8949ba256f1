// Stores a notice, a message that the server itself writes to a login; it is shown in that login's INBOX and to nobody else. Called by the
// notices: failure-notice.ts and help-notice.ts.
import { createHash } from 'node:crypto';
import { firstHolding, ownerOfLogin } from './message.ts';
import type { NewMessage } from './ports.ts';
import { noticeMail } from './notice-mail.ts';
import type { NoticeMail } from './notice-mail.ts';
import type { Quarantine } from './quarantine.ts';
import { readMessage } from './reading/read-message.ts';
import { loginName } from './scope.ts';
import type { Scope } from './scope.ts';

export interface Notice extends Pick<NoticeMail, 'subject' | 'name' | 'text' | 'html'> {
  /** The same each time that the same notice is written. */
  id: string;
  /** Whom it is for. */
  scope: Scope;
}

/** Durable when it resolves. A notice whose id was stored before, whatever became of it, is not written again. */
export async function insertNotice(
  { storage, policy, sentences }: Quarantine,
  { id, scope, ...mail }: Notice,
  now: number,
): Promise<void> {
  const { hostname } = policy;
  const login = loginName(scope);
  const bytes = noticeMail({ ...mail, sender: sentences.sender, language: sentences.tag, hostname, login, now });
  const digest = createHash('sha256').update(bytes).digest('hex');
  const notice: NewMessage = {
    ...firstHolding('notices', ownerOfLogin(scope), now),
    id,
    digest,
    sizeBytes: bytes.length,
    envelope: { sender: '', recipients: scope.role === 'user' ? [scope.address] : [] },
    internalDate: now,
    likeness: '',
    category: 'notice',
    evidence: null,
  };
  await storage.insert(
    { content: { digest, bytes, reading: readMessage(bytes) }, messages: [notice], skipKnown: false },
    now,
  );
}
