// The notice that a release failed for good. It goes to the INBOX of whoever gave the order and holds the far end's words verbatim, on lines of
// their own. Called by outcomes.ts before the message is back in its view.
import type { Message } from './message.ts';
import { insertNotice } from './notice.ts';
import type { Quarantine } from './quarantine.ts';
import { scopeOfLogin } from './scope.ts';
import type { Scope } from './scope.ts';

/** Its id follows from message and holding, so that repeating it after a crash adds nothing. Durable when it resolves. */
export async function insertFailureNotice(quarantine: Quarantine, message: Message, now: number): Promise<void> {
  const { id, holding, delivery, envelope } = message;
  const recipients = delivery?.recipients ?? [];
  const { subject, lines } = quarantine.sentences.failureNotice({
    subject: oneLine(await subjectOf(quarantine, message), 200),
    sender: oneLine(envelope.sender, 320),
    refused: recipients
      .filter(({ state }) => state === 'refused')
      .map(({ address, reply }) => ({
        address: oneLine(address, 320),
        reply: reply === undefined ? null : oneLine(reply, 1000),
      })),
    accepted: recipients.filter(({ state }) => state === 'accepted').map(({ address }) => oneLine(address, 320)),
    messageId: id,
  });
  await insertNotice(
    quarantine,
    { id: `${id}-failed-${holding}`, scope: toldTo(message), name: `${id}.${holding}.failed`, subject, text: lines },
    now,
  );
}

/**
 * The login that gave the order, or the owner when it came from the CLI. Of outgoing mail that is the domain: the sender's own login does
 * not see it, so it could do nothing about it.
 */
function toldTo({ delivery, owner, view }: Message): Scope {
  const by = delivery?.orderedBy;
  if (by && by !== 'cli') return scopeOfLogin(by);
  return scopeOfLogin((view === 'outgoing' ? '' : owner.address) || owner.domain || 'global');
}

/** As it was said, but unable to write a line of its own. */
function oneLine(text: string, maxLength: number): string {
  const folded = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return folded.length > maxLength ? `${folded.slice(0, maxLength)}…` : folded;
}

async function subjectOf(quarantine: Quarantine, message: Message): Promise<string> {
  const [reading] = await quarantine.storage.readings({ role: 'global' }, [message.id]);
  return reading?.summary.subject ?? '';
}
