// A listener on a quarantine of its own, for the tests of this folder. Everything is closed when the test ends.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { openIntake } from '../../src/intake/listener.ts';
import type { Intake, IntakeOptions } from '../../src/intake/listener.ts';
import type { Message } from '../../src/quarantine/message.ts';
import type { Storage } from '../../src/quarantine/ports.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import type { TestQuarantine, TestQuarantineOptions } from '../helpers/quarantine.ts';
import { RawSmtp } from '../helpers/raw-smtp.ts';

export interface TestIntake extends TestQuarantine {
  intake: Intake;
  /** Connected and greeted with LHLO or EHLO. */
  client(): Promise<RawSmtp>;
  /** Everything held, oldest first. */
  held(): Promise<Message[]>;
  contentOf(message: Message | undefined): Promise<Buffer>;
}

export async function openTestIntake(
  t: TestContext,
  options: Partial<IntakeOptions> = {},
  quarantineOptions: TestQuarantineOptions = {},
): Promise<TestIntake> {
  const test = await openTestQuarantine(quarantineOptions);
  const protocol = options.protocol ?? 'lmtp';
  const intake = await openIntake(
    { protocol, address: '127.0.0.1', port: 0, view: 'caught', hostname: 'quarantine.example.test', ...options },
    test.quarantine,
  );
  const clients: RawSmtp[] = [];
  t.after(async () => {
    for (const client of clients) client.destroy();
    await intake.close();
    await test.close();
  });
  return {
    ...test,
    intake,
    async client() {
      const client = await RawSmtp.greet(
        intake.port,
        protocol === 'lmtp' ? 'LHLO client.example' : 'EHLO client.example',
      );
      clients.push(client);
      return client;
    },
    async held() {
      return (await test.storage.find({ role: 'global' }, { limit: 5000 })).reverse();
    },
    async contentOf(message) {
      assert.ok(message, 'there is such a message');
      const content = await test.storage.content({ role: 'global' }, message.id);
      assert.ok(content, 'its content is there');
      return content;
    },
  };
}

/** A store whose inserts wait until the test lets them go on, or fail. */
export function gatedInserts(): {
  wrapStorage: (storage: Storage) => Storage;
  /** Resolves when an insert waits. */
  waiting(): Promise<void>;
  open(): void;
  fail(error: Error): void;
} {
  const called = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  // A gate that fails while nobody waits is no error of the test.
  gate.promise.catch(() => undefined);
  return {
    wrapStorage: (storage) => ({
      ...storage,
      async insert(arrival, now) {
        called.resolve();
        await gate.promise;
        return storage.insert(arrival, now);
      },
    }),
    waiting: () => called.promise,
    open: () => gate.resolve(),
    fail: (error) => gate.reject(error),
  };
}
