// The worker against real far ends: what they answered decides what becomes of the message. Only the clock is moved by hand.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { act } from '../../src/quarantine/act.ts';
import { claimDue } from '../../src/quarantine/claims.ts';
import type { DropFolder, ViewFolder } from '../../src/quarantine/folder.ts';
import { cancelJob, listJobs, retryJobs } from '../../src/quarantine/jobs.ts';
import type { Message } from '../../src/quarantine/message.ts';
import { recordDelivery } from '../../src/quarantine/outcomes.ts';
import type { Quarantine } from '../../src/quarantine/quarantine.ts';
import { receive } from '../../src/quarantine/receive.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import type { ReportAttempt, ReportOutcome, ReportTarget } from '../../src/quarantine/target.ts';
import { startWorker } from '../../src/queue/worker.ts';
import type { Worker } from '../../src/queue/worker.ts';
import { MaildirTarget } from '../../src/targets/maildir.ts';
import { SmtpTarget } from '../../src/targets/smtp.ts';
import { startFarEnd } from '../helpers/far-end.ts';
import type { FarEnd, FarEndOptions } from '../helpers/far-end.ts';
import { openedMailbox } from '../helpers/mailbox.ts';
import { openTestQuarantine } from '../helpers/quarantine.ts';
import type { TestQuarantine } from '../helpers/quarantine.ts';

const minuteMs = 60_000;
const raw = Buffer.from('Subject: An order\r\nFrom: s@remote.example\r\n\r\nTwo pieces.\r\n');

interface Scene extends TestQuarantine {
  farEnd: FarEnd;
  worker: Worker;
  /** Hands a message in and drags it; answers its id. */
  drag(
    to: string,
    options?: {
      as?: string;
      sender?: string;
      recipients?: string[];
      view?: 'caught' | 'outgoing';
      cause?: 'COPY' | 'MOVE';
    },
  ): Promise<string>;
  get(id: string): Promise<Message>;
  notices(login: string): Promise<string[]>;
  /** Moves the clock and lets the worker do what is due. */
  pass(ms: number): Promise<void>;
}

async function withScene(
  options: { farEnd?: FarEndOptions; reports?: ReportTarget[] },
  run: (scene: Scene) => Promise<void>,
): Promise<void> {
  const farEnd = await startFarEnd(options.farEnd);
  const reports = options.reports ?? [];
  const test = await openTestQuarantine({
    deliverTo: farEnd.url,
    policy: { reportTargets: reports.map(({ name }) => name) },
  });
  const { quarantine, storage, clock } = test;
  const delivery = new SmtpTarget();
  const worker = startWorker({ quarantine, targets: { delivery, reports, outgoing: farEnd.url } });
  const scene: Scene = {
    ...test,
    farEnd,
    worker,
    async drag(
      to,
      {
        as = 'global',
        sender = 's@remote.example',
        recipients = ['alice@example.com'],
        view = 'caught',
        cause = 'MOVE',
      } = {},
    ) {
      const { messages } = await receive(quarantine, { view, raw, envelope: { sender, recipients } });
      const from = quarantine.folders.showing(view) as ViewFolder;
      const { uids } = await openedMailbox(storage, scopeOfLogin(as), view);
      await act(quarantine, {
        scope: scopeOfLogin(as),
        cause,
        from,
        to: quarantine.folders.find(to, 'global') as DropFolder,
        uids,
      });
      return messages[0]?.id ?? '';
    },
    async get(id) {
      const message = await storage.worker.get(id);
      assert.ok(message);
      return message;
    },
    async notices(login) {
      const scope = scopeOfLogin(login);
      const found = await storage.find(scope, { view: 'notices' });
      const contents = await Promise.all(found.map(({ id }) => storage.content(scope, id)));
      return contents.map(String);
    },
    async pass(ms) {
      clock.advance(ms);
      await worker.idle();
    },
  };
  try {
    await run(scene);
  } finally {
    await worker.close();
    await delivery.close();
    await farEnd.close();
    await test.close();
  }
}

/** Copies everything that the view shows into a drop. */
async function copyAll(quarantine: Quarantine, view: 'caught' | 'outgoing', to: string): Promise<void> {
  const scope = scopeOfLogin('global');
  await act(quarantine, {
    scope,
    cause: 'COPY',
    from: quarantine.folders.showing(view) as ViewFolder,
    to: quarantine.folders.find(to, 'global') as DropFolder,
    uids: (await openedMailbox(quarantine.storage, scope, view)).uids,
  });
}

describe('a release that is accepted', () => {
  it('reaches the envelope recipient once, with the original bytes, sender and one trace line', async () => {
    await withScene({}, async ({ drag, farEnd, worker, get }) => {
      const id = await drag('Release', { recipients: ['Alice+shop@example.net'], sender: '' });
      const received = await farEnd.nextReceived();
      await worker.idle();
      assert.equal(received.sender, '');
      assert.deepEqual(received.recipients, ['Alice+shop@example.net']);
      assert.equal(
        received.content.toString(),
        `X-Lazaretto-Release: ${id}.1 by quarantine.example.test\r\n${raw.toString()}`,
      );
      const { delivery } = await get(id);
      assert.equal(delivery?.state, 'done');
      assert.equal(delivery?.recipients[0]?.state, 'accepted');
      assert.equal(farEnd.received.length, 1);
    });
  });

  it('of outgoing mail reaches all the original recipients', async () => {
    await withScene({}, async ({ drag, farEnd }) => {
      await drag('Release', {
        view: 'outgoing',
        sender: 'alice@example.com',
        recipients: ['x@remote.example', 'y@remote.example'],
      });
      const received = await farEnd.nextReceived();
      assert.equal(received.sender, 'alice@example.com');
      assert.deepEqual(received.recipients, ['x@remote.example', 'y@remote.example']);
    });
  });
});

describe('a release that is put off', () => {
  it('is tried again after 15 minutes, to the recipient that has not accepted yet', async () => {
    const script = [{ rcpt: { 'y@remote.example': '450 4.2.0 mailbox busy' } }];
    await withScene({ farEnd: { script } }, async ({ drag, farEnd, pass, get, worker }) => {
      const id = await drag('Release', {
        view: 'outgoing',
        sender: 'alice@example.com',
        recipients: ['x@remote.example', 'y@remote.example'],
      });
      await farEnd.nextReceived();
      await worker.idle();
      const deferred = (await get(id)).delivery;
      assert.equal(deferred?.state, 'due');
      assert.equal(deferred?.lastReply, '450 4.2.0 mailbox busy');
      await pass(14 * minuteMs);
      assert.equal(farEnd.received.length, 1);
      await pass(minuteMs);
      assert.deepEqual((await farEnd.nextReceived()).recipients, ['y@remote.example']);
      await worker.idle();
      assert.equal((await get(id)).delivery?.state, 'done');
    });
  });

  it('is done at once by "jobs retry"', async () => {
    await withScene(
      { farEnd: { script: [{ mail: '421 4.3.2 closing' }] } },
      async ({ quarantine, drag, farEnd, worker }) => {
        const id = await drag('Release');
        await worker.idle();
        assert.deepEqual(
          (await listJobs(quarantine, { ended: false, limit: 9 })).map(({ lastReply }) => lastReply),
          ['421 4.3.2 closing'],
        );
        assert.deepEqual(await retryJobs(quarantine, 'deferred'), { retried: 1, parked: 0 });
        await farEnd.nextReceived();
        await worker.idle();
        await assert.rejects(retryJobs(quarantine, [id]), { code: 'CANNOT' });
      },
    );
  });

  it('silence, a reset and a connection lost after the final dot are no refusals', async () => {
    const script = [{ greeting: 'reset' }, { end: 'drop' }, { rcpt: 'drop' }];
    await withScene({ farEnd: { script } }, async ({ drag, farEnd, worker, get, pass }) => {
      const id = await drag('Release');
      await worker.idle();
      for (const attempts of [1, 2, 3]) {
        assert.equal((await get(id)).delivery?.attempts, attempts);
        assert.equal((await get(id)).delivery?.state, 'due');
        await pass(20 * minuteMs);
      }
      assert.equal((await get(id)).delivery?.state, 'done');
      // The far end kept what came before the connection was lost: the repetition carries the same trace.
      const traces = farEnd.received.map(({ content }) => /^X-Lazaretto-Release: .*/.exec(content.toString())?.[0]);
      assert.equal(traces.length, 2);
      assert.equal(new Set(traces).size, 1);
    });
  });

  it('fails when it was tried for as long as the settings say', async () => {
    const script = Array.from({ length: 100 }, () => ({ mail: '451 4.3.0 later' }));
    await withScene({ farEnd: { script } }, async ({ drag, worker, get, pass, notices }) => {
      const id = await drag('Release', { as: 'alice@example.com' });
      await worker.idle();
      for (let hours = 0; hours < 4 * 24; hours += 6) await pass(6 * 60 * minuteMs);
      const message = await get(id);
      assert.equal(message.delivery?.state, 'failed');
      assert.deepEqual(message.marks, ['$ReleaseFailed']);
      const [notice] = await notices('alice@example.com');
      assert.match(notice ?? '', /\r\n {4}451 4\.3\.0 later\r\n/);
    });
  });
});

describe('a release that is refused for good', () => {
  const script = [{ rcpt: { 'x@remote.example': '550 5.1.1 no such user <here>' } }];
  const recipients = ['x@remote.example', 'y@remote.example'];

  it('brings the message back under a new UID, unread, marked, with a notice in the words of the far end', async () => {
    await withScene(
      { farEnd: { script: [{ rcpt: '550 5.1.1 no such user <here>' }] } },
      async ({ drag, worker, get, storage, notices }) => {
        const id = await drag('Release', { as: 'alice@example.com' });
        await worker.idle();
        const message = await get(id);
        assert.equal(message.holding, 2);
        assert.deepEqual(message.visibleTo.toSorted(), ['domain', 'global', 'user']);
        for (const login of ['alice@example.com', 'example.com', 'global']) {
          const [listed] = await storage.list(scopeOfLogin(login), 'caught', [{ from: 1, to: 99 }]);
          assert.ok((listed?.uid ?? 0) > 1, login);
          assert.deepEqual(listed?.flags, ['$ReleaseFailed']);
        }
        const found = await notices('alice@example.com');
        assert.equal(found.length, 1);
        assert.match(found[0] ?? '', /\r\n {4}550 5\.1\.1 no such user <here>\r\n/);
        assert.match(found[0] ?? '', /Subject: Release failed: An order\r\n/);
        assert.doesNotMatch(found[0] ?? '', /base64/i);
      },
    );
  });

  it('tells the login that gave the order and nobody else', async () => {
    await withScene({ farEnd: { script: [{ mail: '550 5.7.1 go away' }] } }, async ({ drag, worker, notices }) => {
      await drag('Release', { as: 'example.com' });
      await worker.idle();
      assert.equal((await notices('example.com')).length, 1);
      assert.deepEqual(await notices('alice@example.com'), []);
      assert.deepEqual(await notices('global'), []);
    });
  });

  it('by one of two recipients: a new release goes to that one alone', async () => {
    await withScene({ farEnd: { script } }, async ({ quarantine, drag, farEnd, worker, get, storage }) => {
      const id = await drag('Release', { view: 'outgoing', sender: 'alice@example.com', recipients });
      assert.deepEqual((await farEnd.nextReceived()).recipients, ['y@remote.example']);
      await worker.idle();
      assert.equal((await get(id)).holding, 2);
      const { uids } = await openedMailbox(storage, { role: 'global' }, 'outgoing');
      const from = quarantine.folders.showing('outgoing') as ViewFolder;
      const to = quarantine.folders.find('Release', 'global') as DropFolder;
      await act(quarantine, { scope: { role: 'global' }, cause: 'MOVE', from, to, uids });
      assert.deepEqual((await farEnd.nextReceived()).recipients, ['x@remote.example']);
      await worker.idle();
      assert.equal((await get(id)).delivery?.state, 'done');
      assert.deepEqual((await get(id)).visibleTo, []);
    });
  });
});

describe('cancelling', () => {
  it('brings the message back without failing it, and a late answer closes nothing', async () => {
    await withScene({}, async ({ quarantine, worker, drag, get, farEnd, clock }) => {
      await worker.close();
      const id = await drag('Release');
      const [claim] = await claimDue(quarantine, { limit: 9, leaseMs: 1000, exceptDomains: [], isWanted: () => true });
      assert.ok(claim);
      await cancelJob(quarantine, id, 'cli');
      clock.advance(1);
      const written = await recordDelivery(quarantine, claim, [
        { address: 'alice@example.com', outcome: 'permanent', reply: '550 late' },
      ]);
      assert.equal(written, false);
      const message = await get(id);
      assert.equal(message.delivery?.state, 'cancelled');
      assert.equal(message.holding, 2);
      assert.deepEqual(message.marks, []);
      assert.equal(farEnd.received.length, 0);
    });
  });
});

describe('cancelling during an attempt', () => {
  it('notes who accepted all the same, so that a new release does not reach them twice', async () => {
    const answer = Promise.withResolvers<string>();
    await withScene(
      { farEnd: { script: [{ end: () => answer.promise }] } },
      async ({ quarantine, worker, drag, get, farEnd }) => {
        const id = await drag('Release', {
          view: 'outgoing',
          recipients: ['x@remote.example'],
          sender: 'a@example.com',
        });
        await farEnd.nextReceived();
        await cancelJob(quarantine, id, 'cli');
        answer.resolve('250 taken');
        await worker.idle();
        assert.equal((await get(id)).delivery?.state, 'cancelled');
        assert.deepEqual(
          (await get(id)).delivery?.recipients.map(({ state, reply }) => [state, reply]),
          [['accepted', '250 taken']],
        );
        await copyAll(quarantine, 'outgoing', 'Release');
        await worker.idle();
        assert.equal(farEnd.received.length, 1);
      },
    );
  });

  it('keeps a new order waiting until that attempt has stopped, wherever it runs', async () => {
    await withScene({}, async ({ quarantine, worker, drag, get, clock }) => {
      await worker.close();
      const id = await drag('Release & Train');
      const claim = () => claimDue(quarantine, { limit: 9, leaseMs: 10_000, exceptDomains: [], isWanted: () => true });
      assert.equal((await claim()).length, 1);
      await cancelJob(quarantine, id, 'cli');
      await copyAll(quarantine, 'caught', 'Release');
      assert.equal((await get(id)).delivery?.state, 'due');
      assert.deepEqual(await claim(), []);
      clock.advance(10_000);
      assert.equal((await claim()).length, 1);
    });
  });
});

describe('claims', () => {
  it('are given to one worker only, and to another when the lease has run out', async () => {
    await withScene({}, async ({ quarantine, worker, drag, clock }) => {
      await worker.close();
      await drag('Release');
      const claim = () => claimDue(quarantine, { limit: 9, leaseMs: 10_000, exceptDomains: [], isWanted: () => true });
      const claims = (await Promise.all([claim(), claim(), claim(), claim()])).flat();
      assert.equal(claims.length, 1);
      clock.advance(9_999);
      assert.equal((await claim()).length, 0);
      clock.advance(1);
      const [second] = await claim();
      assert.ok(second && claims[0]);
      const answer = [{ address: 'alice@example.com', outcome: 'accepted' as const, reply: '250 ok' }];
      assert.equal(await recordDelivery(quarantine, claims[0], answer), false);
      assert.equal(await recordDelivery(quarantine, second, answer), true);
    });
  });
});

describe('large messages', () => {
  it('are tried a few at once', { timeout: 30_000 }, async () => {
    const begun: (() => void)[] = [];
    const filter = (name: string): ReportTarget => ({
      name,
      report: ({ signal }) =>
        new Promise((resolve) => {
          begun.push(() => resolve({ outcome: 'done', reply: '' }));
          signal.addEventListener('abort', () => resolve({ outcome: 'temporary', reply: 'stopped' }));
        }),
      close: () => Promise.resolve(),
    });
    const reports = [filter('a')];
    await withScene({ reports }, async ({ quarantine, worker, drag, storage }) => {
      await worker.close();
      const recipients = Array.from({ length: 6 }, (_, i) => `user${i}@example.com`);
      const id = await drag('Not Spam', { recipients });
      const targets = { delivery: new SmtpTarget(), reports, outgoing: '' };
      const second = startWorker({ quarantine, targets, maxBytes: raw.length * 2 });
      try {
        for (let done = 0; done < 6; done += 2) {
          while (begun.length < 2) await storage.worker.get(id);
          // Time enough for a third one to begin, if it may.
          for (let i = 0; i < 20; i++) await storage.worker.get(id);
          assert.equal(begun.length, 2);
          for (const end of begun.splice(0)) end();
        }
        await second.idle();
      } finally {
        await second.close(0);
      }
    });
  });

  it('that fill the memory do not stop what goes elsewhere', async () => {
    const silent: ReportTarget = {
      name: 'silent',
      report: ({ signal }) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve({ outcome: 'temporary', reply: 'stopped' })),
        ),
      close: () => Promise.resolve(),
    };
    const done = Promise.withResolvers<void>();
    const good: ReportTarget = {
      ...silent,
      name: 'good',
      report() {
        done.resolve();
        return Promise.resolve({ outcome: 'done', reply: '' });
      },
    };
    const reports = [silent, good];
    await withScene({ reports }, async ({ quarantine, worker, drag, get }) => {
      await worker.close();
      const id = await drag('Not Spam');
      const targets = { delivery: new SmtpTarget(), reports, outgoing: '' };
      const second = startWorker({ quarantine, targets, maxBytes: 1 });
      await done.promise;
      await second.close(0);
      assert.equal((await get(id)).report?.targets.good?.state, 'done');
    });
  });
});

describe('an attempt that outlives its lease', () => {
  it('is not joined by a second one of the same process', async () => {
    const answered = Promise.withResolvers<string>();
    await withScene(
      { farEnd: { script: [{ greeting: () => answered.promise }] } },
      async ({ worker, drag, clock, farEnd, get }) => {
        const id = await drag('Release');
        worker.wake();
        while (!farEnd.sessions.length) await new Promise((resolve) => setImmediate(resolve));
        clock.advance(60_000);
        // Whatever the worker could find is found before another message of later date is delivered.
        const second = await drag('Not Spam');
        assert.ok(second);
        answered.resolve('220 far-end.example.test');
        await worker.idle();
        assert.equal(farEnd.sessions.length, 1);
        assert.equal(farEnd.received.length, 1);
        assert.equal((await get(id)).delivery?.state, 'done');
      },
    );
  });
});

describe('reports', () => {
  class ScriptedFilter implements ReportTarget {
    readonly name: string;
    readonly attempts: ReportAttempt[] = [];
    readonly #answers: ReportOutcome['outcome'][];

    constructor(name: string, ...answers: ReportOutcome['outcome'][]) {
      this.name = name;
      this.#answers = answers;
    }

    report(attempt: ReportAttempt): Promise<ReportOutcome> {
      this.attempts.push(attempt);
      const outcome = this.#answers.shift() ?? 'done';
      return Promise.resolve({ outcome, reply: outcome });
    }

    close(): Promise<void> {
      return Promise.resolve();
    }
  }

  it('are tracked at each target on its own: one that is down does not repeat the other', async () => {
    const good = new ScriptedFilter('good');
    const down = new ScriptedFilter('down', 'temporary', 'temporary');
    const never = new ScriptedFilter('never', 'final');
    await withScene({ reports: [good, down, never] }, async ({ drag, worker, pass, get }) => {
      const id = await drag('Not Spam');
      await worker.idle();
      await pass(15 * minuteMs);
      await pass(15 * minuteMs);
      await pass(60 * minuteMs);
      assert.deepEqual(
        [good, down, never].map(({ attempts }) => attempts.length),
        [1, 3, 1],
      );
      const targets = (await get(id)).report?.targets;
      assert.deepEqual(
        [targets?.good?.state, targets?.down?.state, targets?.never?.state],
        ['done', 'done', 'unlearnable'],
      );
      assert.deepEqual(good.attempts[0]?.content, raw);
      assert.equal(good.attempts[0]?.verdict, 'ham');
    });
  });

  it('to a target that does not answer hide no deliveries', { timeout: 60_000 }, async () => {
    const answered = Promise.withResolvers<ReportOutcome>();
    const silent: ReportTarget = { name: 'silent', report: () => answered.promise, close: () => Promise.resolve() };
    await withScene({ reports: [silent] }, async ({ drag, farEnd, clock, worker }) => {
      // More than one look at what is due.
      await drag('Not Spam', { recipients: Array.from({ length: 120 }, (_, i) => `user${i}@example.com`) });
      clock.advance(1);
      await drag('Release & Train');
      await farEnd.nextReceived();
      answered.resolve({ outcome: 'done', reply: 'at last' });
      await worker.idle();
    });
  });

  it('wait while the opposite verdict is being reported, so that the last one given is the last one learned', async () => {
    await withScene({ reports: [new ScriptedFilter('good')] }, async ({ quarantine, worker, drag, clock }) => {
      await worker.close();
      await drag('Not Spam', { cause: 'COPY' });
      const claim = () => claimDue(quarantine, { limit: 9, leaseMs: 10_000, exceptDomains: [], isWanted: () => true });
      const [ham] = await claim();
      assert.equal(ham?.message.report?.verdict, 'ham');
      await copyAll(quarantine, 'caught', 'Spam');
      assert.deepEqual(await claim(), []);
      clock.advance(10_000);
      const [spam] = await claim();
      assert.equal(spam?.message.report?.verdict, 'spam');
    });
  });

  it('reach a Maildir with exactly the reported bytes', async () => {
    const path = await mkdtemp(join(tmpdir(), 'lazaretto-test-reports-'));
    try {
      await withScene({ reports: [new MaildirTarget('maildir', path)] }, async ({ drag, worker }) => {
        await drag('Release & Train');
        await worker.idle();
        const [name] = await readdir(join(path, 'ham', 'new'));
        assert.deepEqual(await readFile(join(path, 'ham', 'new', name ?? '')), raw);
      });
    } finally {
      await rm(path, { recursive: true });
    }
  });
});

describe('shutting down', () => {
  it('gives back untried what hangs, so that it is due at once for the next worker', async () => {
    await withScene(
      { farEnd: { script: [{ greeting: 'silence' }] } },
      async ({ quarantine, worker, drag, get, farEnd }) => {
        const id = await drag('Release');
        worker.wake();
        while (!(await get(id)).delivery?.lease || !farEnd.sessions.length)
          await new Promise((resolve) => setImmediate(resolve));
        await worker.close(0);
        const { delivery } = await get(id);
        assert.equal(delivery?.lease, null);
        assert.equal(delivery?.attempts, 0);
        assert.equal((await quarantine.storage.worker.due(quarantine.clock.now(), 9)).length, 1);
      },
    );
  });
});
