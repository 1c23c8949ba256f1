// A held message with nothing ordered for it, for tests of pure functions. Stored messages are made by messages.ts.
import { firstHolding } from '../../src/quarantine/message.ts';
import type { Message } from '../../src/quarantine/message.ts';

export function bareMessage(overrides: Partial<Message> = {}): Message {
  const view = overrides.view ?? 'caught';
  const owner = overrides.owner ?? { domain: 'example.com', address: 'alice@example.com' };
  return {
    id: '0192a3b4c5d6aabbccddeeff001122',
    revision: 1,
    digest: 'a'.repeat(64),
    sizeBytes: 100,
    ...firstHolding(view, owner, 0),
    envelope: { sender: 'sender@remote.example', recipients: ['alice@example.com'] },
    internalDate: 0,
    likeness: '',
    category: 'spam',
    evidence: null,
    ...overrides,
  };
}
