// Contents and messages as intake makes them, for tests that talk to a storage directly. Every message gets a new id; what a test does not
// say is the same each time.
//
//   const content = newContent('Subject: hello\r\n\r\nHello\r\n');
//   await storage.insert({ content, messages: [newMessage({ content, owner: ownerOf('bob@example.com') })], skipKnown: false }, now);
//   const message = await insertMessage(storage, { view: 'training' });
import { createHash } from 'node:crypto';
import { likenessOf } from '../../src/quarantine/likeness.ts';
import { firstHolding, ownerOfLogin } from '../../src/quarantine/message.ts';
import type { Message, Owner } from '../../src/quarantine/message.ts';
import type { NewContent, NewMessage, Storage } from '../../src/quarantine/ports.ts';
import { readMessage } from '../../src/quarantine/reading/read-message.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';

/** 2026-01-05 10:00 UTC; when messages arrive unless a test says otherwise. */
export const arrivedAt = Date.UTC(2026, 0, 5, 10);

export type MessageOverrides = Partial<NewMessage> & { content?: NewContent };

let lastId = 0;

/** By default a small message of its own. */
export function newContent(source: string | Buffer = sampleMail(++lastId)): NewContent {
  const bytes = typeof source === 'string' ? Buffer.from(source, 'utf8') : source;
  return { digest: createHash('sha256').update(bytes).digest('hex'), bytes, reading: readMessage(bytes) };
}

export function sampleMail(number: number): string {
  return [
    `Message-ID: <${number}@remote.example>`,
    'Date: Mon, 5 Jan 2026 10:00:00 +0000',
    'From: Sender <sender@remote.example>',
    'To: alice@example.com',
    `Subject: Message ${number}`,
    '',
    `This is message ${number}.`,
    '',
  ].join('\r\n');
}

/** Owner of a login name: an address, a domain or `global`. */
export function ownerOf(login: string): Owner {
  return ownerOfLogin(scopeOfLogin(login));
}

/** By default caught mail for alice@example.com, seen by everybody entitled. Ids ascend. */
export function newMessage(overrides: MessageOverrides = {}): NewMessage {
  const { content = newContent(), ...given } = overrides;
  const view = given.view ?? 'caught';
  const owner = given.owner ?? ownerOf('alice@example.com');
  const receivedAt = given.receivedAt ?? arrivedAt;
  return {
    id: `test${(++lastId).toString().padStart(26, '0')}`,
    digest: content.digest,
    sizeBytes: content.bytes.length,
    ...firstHolding(view, owner, receivedAt),
    envelope: { sender: 'sender@remote.example', recipients: [owner.address || 'somebody@remote.example'] },
    internalDate: receivedAt,
    likeness: likenessOf(content.reading),
    category: 'spam',
    evidence: null,
    ...given,
  };
}

/** Stores one message with its content; answers it as it was stored. */
export async function insertMessage(storage: Storage, overrides: MessageOverrides = {}): Promise<Message> {
  const content = overrides.content ?? newContent();
  const message = newMessage({ ...overrides, content });
  const [outcome] = await storage.insert({ content, messages: [message], skipKnown: false }, message.receivedAt);
  if (!outcome || !('stored' in outcome)) throw new Error(`message ${message.id} was there before`);
  return outcome.stored;
}
