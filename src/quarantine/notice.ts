// The message that the server itself writes to a login when a release failed for good. It appears in the login's INBOX, holds the far
// end's words verbatim on lines of their own, and is never base64, so that it can be searched and quoted.
import { createHash } from 'node:crypto';
import { firstHolding } from './message.ts';
import type { Message, Owner } from './message.ts';
import type { NewMessage } from './ports.ts';
import type { Quarantine } from './quarantine.ts';
import { readMessage } from './reading/read-message.ts';
import { scopeOfLogin } from './scope.ts';

/**
 * The INBOX that a message's orders are answered to: of the login that gave the order, or of the owner when it came from the CLI. Of
 * outgoing mail that is the domain: the sender's own login does not see it, so it could do nothing about it.
 */
function noticeOwner({ delivery, owner, view }: Message): Owner {
  const by = delivery?.orderedBy;
  if (!by || by === 'cli') return view === 'outgoing' ? { ...owner, address: '' } : owner;
  const scope = scopeOfLogin(by);
  return {
    domain: scope.role === 'global' ? '' : scope.domain,
    address: scope.role === 'user' ? scope.address : '',
  };
}

/**
 * Stores the notice that the delivery of `message` failed. Its id follows from message and holding, so that repeating it after a crash
 * adds nothing. Durable when it resolves.
 */
export async function insertFailureNotice(quarantine: Quarantine, message: Message, now: number): Promise<void> {
  const { policy, storage } = quarantine;
  const subject = await subjectOf(quarantine, message);
  const owner = noticeOwner(message);
  const bytes = Buffer.from(
    noticeText({ message, subject, hostname: policy.hostname, to: owner.address || owner.domain || 'global', now }),
    'utf8',
  );
  const digest = createHash('sha256').update(bytes).digest('hex');
  const notice: NewMessage = {
    ...firstHolding('notices', owner, now),
    id: `${message.id}-failed-${message.holding}`,
    digest,
    sizeBytes: bytes.length,
    envelope: { sender: '', recipients: [owner.address].filter(Boolean) },
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

async function subjectOf(quarantine: Quarantine, message: Message): Promise<string> {
  const [reading] = await quarantine.storage.readings({ role: 'global' }, [message.id]);
  return reading?.summary.subject ?? '';
}

interface NoticeFacts {
  message: Message;
  subject: string;
  hostname: string;
  to: string;
  now: number;
}

function noticeText({ message, subject, hostname, to, now }: NoticeFacts): string {
  const refused = message.delivery?.recipients.filter((recipient) => recipient.state === 'refused') ?? [];
  const accepted = message.delivery?.recipients.filter((recipient) => recipient.state === 'accepted') ?? [];
  const title = subject ? `"${oneLine(subject, 200)}"` : 'a message without a subject';
  const lines = [
    `The release of ${title} failed.`,
    '',
    `From: ${message.envelope.sender ? oneLine(message.envelope.sender, 320) : '<> (a bounce)'}`,
    ...refused.flatMap((recipient) => [
      '',
      `It could not be delivered to ${oneLine(recipient.address, 320)}. The other server said:`,
      '',
      `    ${oneLine(recipient.reply ?? 'nothing', 1000)}`,
    ]),
    '',
    ...(accepted.length
      ? [`It was delivered to ${accepted.map((recipient) => oneLine(recipient.address, 320)).join(', ')}.`, '']
      : []),
    'The message is back in its folder, unread. Drag it to Release to try again; only recipients that have not received it',
    'will get it.',
    '',
    `Message ${message.id}`,
  ];
  const header = [
    `Date: ${new Date(now).toUTCString().replace('GMT', '+0000')}`,
    `From: Quarantine <quarantine@${hostname}>`,
    `To: ${to.includes('@') ? to : `${to} <quarantine@${hostname}>`}`,
    `Subject: ${encodedSubject(`Release failed: ${subject ? oneLine(subject, 120) : '(no subject)'}`)}`,
    `Message-ID: <${message.id}.${message.holding}.failed@${hostname}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
  ];
  return [...header, '', ...lines, ''].join('\r\n');
}

function oneLine(text: string, maxLength: number): string {
  const folded = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return folded.length > maxLength ? `${folded.slice(0, maxLength)}…` : folded;
}

// RFC 2047 section 2: an encoded word has at most 75 characters, so the text is cut into pieces of whole characters.
function encodedSubject(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const words: string[] = [];
  let piece = '';
  for (const character of text) {
    if (Buffer.byteLength(piece + character) > 42) {
      words.push(piece);
      piece = '';
    }
    piece += character;
  }
  return [...words, piece].map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}
