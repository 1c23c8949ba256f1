// The rspamd target against a scripted controller: what counts as learned, what never will be, and what is tried again.
import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { ReportAttempt, ReportOutcome } from '../../src/quarantine/target.ts';
import { RspamdTarget } from '../../src/targets/rspamd.ts';
import { type Learner, type LearnerAnswer, startLearner } from '../helpers/learner.ts';

const content = Buffer.from('Subject: gr\xfcn\r\n\r\n.\r\n\u0000 no end', 'latin1');

function attemptOf(parts: Partial<ReportAttempt> = {}): ReportAttempt {
  return { content, verdict: 'spam', messageId: 'm1', digest: 'abc', signal: new AbortController().signal, ...parts };
}

async function newLearner(t: TestContext, options: Parameters<typeof startLearner>[0] = {}): Promise<Learner> {
  const learner = await startLearner(options);
  t.after(() => learner.close());
  return learner;
}

async function outcomeOf(t: TestContext, answer: LearnerAnswer, timeoutMs = 5_000): Promise<ReportOutcome> {
  const learner = await newLearner(t, { script: [answer] });
  const target = new RspamdTarget('rspamd', { url: learner.url, timeoutMs });
  t.after(() => target.close());
  return target.report(attemptOf());
}

test('a report is posted with exactly its bytes and the password', async (t) => {
  const learner = await newLearner(t, { password: 'sécret'.normalize() });
  // The learner sees header values as latin1, and rspamd compares bytes.
  const seen = Buffer.from('sécret').toString('latin1');
  const strict = await newLearner(t, { password: seen });
  const target = new RspamdTarget('rspamd', { url: `${strict.url}/`, password: 'sécret' });
  assert.deepEqual(await target.report(attemptOf()), { outcome: 'done', reply: 'HTTP 200 {"success":true}' });
  assert.equal((await target.report(attemptOf({ verdict: 'ham' }))).outcome, 'done');
  const [spam, ham] = strict.received;
  assert.deepEqual([spam?.method, spam?.path, ham?.path], ['POST', '/learnspam', '/learnham']);
  assert.deepEqual(spam?.body, content);
  assert.deepEqual(ham?.body, content);
  assert.equal(spam?.headers['content-length'], String(content.length));
  assert.equal(learner.received.length, 0);
});

test('a path in front of the controller is kept', async (t) => {
  const learner = await newLearner(t);
  await new RspamdTarget('rspamd', { url: `${learner.url}/rspamd/` }).report(attemptOf());
  assert.equal((await learner.nextReceived()).path, '/rspamd/learnspam');
});

const error = (status: number, text: string): LearnerAnswer => ({ status, body: JSON.stringify({ error: text }) });
const table: [string, LearnerAnswer, ReportOutcome['outcome'], RegExp][] = [
  ['200', 200, 'done', /^HTTP 200/],
  [
    '208, already learned',
    error(208, '<a@b> has been already learned as spam, ignore it'),
    'done',
    /already learned as spam/,
  ],
  ['404, already learned', error(404, '<a@b> has been already learned as spam, ignore it'), 'done', /already learned/],
  ['404 without a word', 404, 'done', /^HTTP 404/],
  [
    '404 because no classifier is configured',
    error(404, 'no classifiers defined'),
    'temporary',
    /no classifiers defined/,
  ],
  [
    '404 because the classifier is unknown',
    error(404, 'cannot find classifier with name x'),
    'temporary',
    /cannot find/,
  ],
  [
    '404 because there is no such path',
    { status: 404, body: 'Not found', contentType: 'text/plain' },
    'temporary',
    /Not found/,
  ],
  [
    '404 of a web server',
    { status: 404, body: '<html><h1>Not Found</h1>', contentType: 'text/html' },
    'temporary',
    /404/,
  ],
  ['200 of a web server', { status: 200, body: '<!doctype html><html>', contentType: 'text/html' }, 'temporary', /200/],
  ['204, not learnable', 204, 'final', /^HTTP 204/],
  ['301', { status: 301, body: '' }, 'temporary', /^HTTP 301/],
  ['400', error(400, 'Empty body is not permitted'), 'temporary', /Empty body/],
  ['401', error(401, 'Unauthorized'), 'temporary', /refuses our password for learning \(HTTP 401 Unauthorized\)/],
  ['403', 403, 'temporary', /refuses our password/],
  ['429', error(429, 'Too many authentication failures'), 'temporary', /busy, or locked us out.*Too many/],
  ['500', error(500, 'Internal error'), 'temporary', /Internal error/],
  ['503', 503, 'temporary', /^HTTP 503/],
  ['a reset', 'reset', 'temporary', /^no answer from rspamd \(/],
];
for (const [name, answer, expected, words] of table) {
  test(`${name} means ${expected}`, async (t) => {
    const { outcome, reply } = await outcomeOf(t, answer);
    assert.equal(outcome, expected);
    assert.match(reply, words);
    assert.doesNotMatch(reply, /\n/);
  });
}

test('silence ends by the time-out, and by the deadline', async (t) => {
  assert.deepEqual(await outcomeOf(t, 'silence', 50), { outcome: 'temporary', reply: 'rspamd did not answer in time' });
  const learner = await newLearner(t, { script: ['silence', 'silence'] });
  const target = new RspamdTarget('rspamd', { url: learner.url });
  const deadline = new AbortController();
  const report = target.report(attemptOf({ signal: deadline.signal }));
  await learner.nextReceived();
  deadline.abort();
  const stopped = { outcome: 'temporary', reply: 'the attempt was stopped before rspamd had answered' };
  assert.deepEqual(await report, stopped);
  const another = target.report(attemptOf());
  await learner.nextReceived();
  await target.close();
  assert.deepEqual(await another, stopped);
});

test('nobody listening is temporary', async () => {
  const learner = await startLearner();
  await learner.close();
  const { outcome, reply } = await new RspamdTarget('rspamd', { url: learner.url }).report(attemptOf());
  assert.deepEqual([outcome, reply], ['temporary', 'no answer from rspamd (ECONNREFUSED)']);
});

test('an answer that is no HTTP is temporary, and its words are kept', async (t) => {
  // What rspamd 3.4 says when its Redis is gone.
  const words = 'cannot get learned: error getting reply from redis server 127.0.0.1:6379: Connection refused';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(`HTTP/1.1 14 ${words}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { outcome, reply } = await new RspamdTarget('rspamd', { url: `http://127.0.0.1:${port}` }).report(attemptOf());
  assert.deepEqual([outcome, reply], ['temporary', `rspamd answered with an error: ${words}`]);
});

test('an empty message is final without asking, because rspamd answers it with an error for ever', async (t) => {
  const learner = await newLearner(t);
  const { outcome } = await new RspamdTarget('rspamd', { url: learner.url }).report(
    attemptOf({ content: Buffer.alloc(0) }),
  );
  assert.equal(outcome, 'final');
  assert.equal(learner.received.length, 0);
});

test('a url or password that cannot be used is said at once, without the password', () => {
  for (const url of ['localhost:11334', '', 'ftp://x', 'http://user:secret@host', 'http://host?x=1']) {
    assert.throws(
      () => new RspamdTarget('rspamd', { url }),
      (thrown: Error) => /expected/.test(thrown.message) && !thrown.message.includes('secret'),
      url,
    );
  }
  assert.throws(
    () => new RspamdTarget('rspamd', { url: 'http://h', password: 'secret\r\nX: y' }),
    (thrown: Error) => !thrown.message.includes('secret'),
  );
});
