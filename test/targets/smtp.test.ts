// What the SMTP target makes of a far end's answers, over real connections to a scripted one: per recipient, and never more than was said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFarEnd, type Step } from '../helpers/far-end.ts';
import { attemptTo, brief, newFarEnd, newTarget, outcomesWith, sampleContent, traceLine } from './delivery.ts';

test('an accepted message reaches the far end once, with its envelope and the trace line on top', async (t) => {
  const { farEnd, outcomes } = await outcomesWith(
    t,
    { end: '250 2.0.0 queued as ABC' },
    { recipients: ['bob@example.com', 'Eve@Example.COM'] },
  );
  assert.deepEqual(brief(outcomes), ['accepted 250 2.0.0 queued as ABC', 'accepted 250 2.0.0 queued as ABC']);
  const received = await farEnd.nextReceived();
  assert.equal(received.heloName, 'quarantine.example.net');
  assert.equal(received.mailLine, `MAIL FROM:<sender@example.net> SIZE=${traceLine.length + sampleContent.length}`);
  assert.deepEqual(received.rcptLines, ['RCPT TO:<bob@example.com>', 'RCPT TO:<Eve@Example.COM>']);
  assert.deepEqual(received.content, Buffer.concat([traceLine, sampleContent]));
  assert.equal(farEnd.received.length, 1);
});

test('the null sender stays null', async (t) => {
  const { farEnd } = await outcomesWith(t, {}, { sender: '' });
  assert.match((await farEnd.nextReceived()).mailLine, /^MAIL FROM:<> /);
});

for (const pipelining of [true, false]) {
  const farEnd = { extensions: pipelining ? ['PIPELINING'] : [] };
  const how = pipelining ? 'with PIPELINING' : 'without PIPELINING';

  test(`${how}, each recipient gets the far end's own answer`, async (t) => {
    const recipients = ['ok@example.com', 'later@example.com', 'never@example.com', 'ok2@example.com'];
    const rcpt = { 'later@example.com': '450 4.2.1 later', 'never@example.com': '550-5.1.1 no\r\n550 5.1.1 such user' };
    const step: Step = { rcpt, end: '250 2.0.0 thanks' };
    const { outcomes, farEnd: end } = await outcomesWith(t, step, { farEnd, recipients });
    assert.deepEqual(brief(outcomes), [
      'accepted 250 2.0.0 thanks',
      'temporary 450 4.2.1 later',
      'permanent 550-5.1.1 no 550 5.1.1 such user',
      'accepted 250 2.0.0 thanks',
    ]);
    assert.deepEqual((await end.nextReceived()).recipients, ['ok@example.com', 'ok2@example.com']);
  });

  for (const [phase, step] of Object.entries({
    DATA: { data: '451 4.3.0 try later' },
    'the final dot': { end: '451 4.3.0 try later' },
  })) {
    test(`${how}, a refusal at ${phase} leaves the recipient that RCPT refused for good refused for good`, async (t) => {
      const recipients = ['never@example.com', 'bob@example.com'];
      const { outcomes } = await outcomesWith(
        t,
        { rcpt: { 'never@example.com': '550 5.1.1 no' }, ...step },
        { farEnd, recipients },
      );
      assert.deepEqual(brief(outcomes), ['permanent 550 5.1.1 no', 'temporary 451 4.3.0 try later']);
    });

    test(`${how}, a connection lost at ${phase} says nothing about who was taken and keeps who was refused`, async (t) => {
      const broken: Step = phase === 'DATA' ? { data: 'drop' } : { end: 'drop' };
      const recipients = ['never@example.com', 'bob@example.com'];
      const { outcomes, farEnd: end } = await outcomesWith(
        t,
        { rcpt: { 'never@example.com': '550 5.1.1 no' }, ...broken },
        { farEnd, recipients },
      );
      assert.deepEqual(brief(outcomes), ['permanent 550 5.1.1 no', 'temporary the server closed the connection']);
      assert.equal(end.received.length, phase === 'DATA' ? 0 : 1, 'the far end may well have the message');
      assert.equal(end.sessions.length, 1, 'and is not given it again in the same attempt');
    });
  }

  test(`${how}, nobody accepted means that no message is sent`, async (t) => {
    const recipients = ['a@example.com', 'b@example.com'];
    const rcpt = { 'a@example.com': '550 5.1.1 no', 'b@example.com': '450 4.2.1 later' };
    const { outcomes, farEnd: end } = await outcomesWith(t, { rcpt }, { farEnd, recipients });
    assert.deepEqual(brief(outcomes), ['permanent 550 5.1.1 no', 'temporary 450 4.2.1 later']);
    assert.equal(end.received.length, 0);
  });
}

const phases = ['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'end'] as const;
for (const phase of phases) {
  test(`4yz at ${phase} is temporary, with the far end's words`, async (t) => {
    const step: Step = { [phase]: '451 4.7.1 not now', ...(phase === 'ehlo' && { helo: '451 4.7.1 not now' }) };
    const { outcomes } = await outcomesWith(t, step);
    assert.deepEqual(brief(outcomes), ['temporary 451 4.7.1 not now']);
  });

  test(`5yz at ${phase} is permanent, with the far end's words`, async (t) => {
    const step: Step = { [phase]: '554 5.7.1 go away', ...(phase === 'ehlo' && { helo: '554 5.7.1 go away' }) };
    const { outcomes } = await outcomesWith(t, step);
    assert.deepEqual(brief(outcomes), ['permanent 554 5.7.1 go away']);
  });

  test(`421 at ${phase} is temporary, with the far end's words`, async (t) => {
    const { outcomes } = await outcomesWith(t, { [phase]: '421 4.3.2 shutting down' });
    assert.deepEqual(brief(outcomes), ['temporary 421 4.3.2 shutting down']);
  });

  for (const misbehaviour of ['drop', 'reset'] as const) {
    test(`a connection that ends by ${misbehaviour} at ${phase} is temporary`, async (t) => {
      const { outcomes } = await outcomesWith(t, { [phase]: misbehaviour });
      assert.equal(outcomes[0]?.outcome, 'temporary');
      assert.match(outcomes[0]?.reply ?? '', /^the server (closed|broke) the connection|^the connection failed/);
    });
  }

  test(`silence at ${phase} ends by the time-out of that phase and is temporary`, async (t) => {
    const { outcomes, farEnd } = await outcomesWith(
      t,
      { [phase]: 'silence' },
      { target: { timeouts: { greetingMs: 50, replyMs: 50 } } },
    );
    assert.deepEqual(brief(outcomes), ['temporary the server did not answer in time']);
    await farEnd.sessions[0]?.ended;
  });

  test(`an abort while the far end is silent at ${phase} closes the connection at once and is temporary`, async (t) => {
    const deadline = new AbortController();
    const asked = Promise.withResolvers<void>();
    const never = Promise.withResolvers<string>();
    const answer = (): Promise<string> => {
      asked.resolve();
      return never.promise;
    };
    const farEnd = await newFarEnd(t, { script: [{ [phase]: answer }] });
    const outcomes = newTarget(t).deliver(attemptTo(farEnd.url, { signal: deadline.signal }));
    await asked.promise;
    deadline.abort();
    assert.deepEqual(brief(await outcomes), ['temporary the attempt was stopped before the server had answered']);
    // The far end reads again once it has its answer, and so notices the end.
    never.resolve('250 too late');
    await farEnd.sessions[0]?.ended;
  });
}

test('an attempt that is aborted before it begins connects to nobody', async (t) => {
  const farEnd = await newFarEnd(t);
  const outcomes = await newTarget(t).deliver(attemptTo(farEnd.url, { signal: AbortSignal.abort() }));
  assert.equal(outcomes[0]?.outcome, 'temporary');
  assert.equal(farEnd.sessions.length, 0);
});

test('nobody listening is temporary', async (t) => {
  const farEnd = await startFarEnd();
  await farEnd.close();
  const outcomes = await newTarget(t).deliver(attemptTo(farEnd.url));
  assert.deepEqual(brief(outcomes), ['temporary no connection: nobody listens there (ECONNREFUSED)']);
});

test('a host that cannot be reached ends by the time-out for connecting, or by the deadline', async (t) => {
  const lookup = (): void => undefined;
  const silent = newTarget(t, { lookup, timeouts: { connectMs: 50 } });
  const outcomes = await silent.deliver(attemptTo('smtp://far-away.example:25'));
  assert.deepEqual(brief(outcomes), ['temporary no connection within 1 s']);
  const deadline = new AbortController();
  const stopped = newTarget(t, { lookup }).deliver(
    attemptTo('smtp://far-away.example:25', { signal: deadline.signal }),
  );
  deadline.abort();
  assert.deepEqual(brief(await stopped), ['temporary the attempt was stopped before the server had answered']);
});

test('a 250 that was cut off before its line end confirms nothing', async (t) => {
  // The far end's line end is kept back by ending the reply with a drop of its own.
  const farEnd = await newFarEnd(t, { script: [{ end: 'unfinished 250 2.0.0 queued' }] });
  const outcomes = await newTarget(t).deliver(attemptTo(farEnd.url));
  assert.equal(farEnd.received.length, 1);
  assert.deepEqual(brief(outcomes), ['temporary the server closed the connection']);
});

test('a far end that answers DATA with 250 is not given the message, whatever it says afterwards', async (t) => {
  const { outcomes, farEnd } = await outcomesWith(t, { data: '250 2.0.0 ok' });
  assert.equal(outcomes[0]?.outcome, 'temporary');
  assert.match(outcomes[0]?.reply ?? '', /answered DATA in a way that SMTP does not know: 250 2\.0\.0 ok/);
  assert.deepEqual(farEnd.sessions[0]?.lines.slice(-1), ['DATA']);
});

test('a message that may no longer be sent is not, although the far end is ready for it', async (t) => {
  const farEnd = await newFarEnd(t);
  const asked: string[][] = [];
  const mayStillSend = (): boolean => {
    asked.push([...(farEnd.sessions[0]?.lines ?? [])]);
    return false;
  };
  const outcomes = await newTarget(t).deliver({ ...attemptTo(farEnd.url), mayStillSend });
  await farEnd.sessions[0]?.ended;
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ['temporary'],
  );
  assert.deepEqual(
    asked.map((lines) => lines.at(-1)),
    ['DATA'],
    'asked once, at the last moment',
  );
  assert.deepEqual(farEnd.received, []);
});

test('a 250 that comes before the message was sent confirms nothing', async (t) => {
  const { outcomes, farEnd } = await outcomesWith(t, { data: '354 go ahead\r\n250 2.0.0 thanks\r\n250 2.0.0 thanks' });
  assert.equal(outcomes[0]?.outcome, 'temporary');
  assert.equal(farEnd.received.length, 0);
});

test('503 and an answer that is no reply are temporary', async (t) => {
  for (const answer of ['503 5.5.1 bad sequence', 'hello there', '250-yes\r\n550 no', '999 what']) {
    const { outcomes } = await outcomesWith(t, { end: answer });
    assert.equal(outcomes[0]?.outcome, 'temporary', answer);
  }
});

test('a far end that offers nothing but HELO gets the message', async (t) => {
  const { outcomes, farEnd } = await outcomesWith(t, { ehlo: '502 5.5.1 what is EHLO?' });
  assert.equal(outcomes[0]?.outcome, 'accepted');
  assert.equal(farEnd.received[0]?.mailLine, 'MAIL FROM:<sender@example.net>');
});

test('a message larger than the announced SIZE is refused for good without being sent', async (t) => {
  const size = traceLine.length + sampleContent.length;
  const tight = await outcomesWith(t, {}, { farEnd: { extensions: [`SIZE ${size}`] } });
  assert.equal(tight.outcomes[0]?.outcome, 'accepted');
  const { outcomes, farEnd } = await outcomesWith(t, {}, { farEnd: { extensions: [`SIZE ${size - 1}`] } });
  assert.equal(outcomes[0]?.outcome, 'permanent');
  assert.match(outcomes[0]?.reply ?? '', new RegExp(`takes no more than ${size - 1}`));
  assert.ok(!farEnd.sessions[0]?.lines.some((line) => line.startsWith('MAIL')));
  const unlimited = await outcomesWith(t, {}, { farEnd: { extensions: ['SIZE 0'] } });
  assert.equal(unlimited.outcomes[0]?.outcome, 'accepted');
});

test('552 after other recipients were taken means too many recipients: temporary', async (t) => {
  const recipients = ['a@example.com', 'b@example.com'];
  const many = await outcomesWith(t, { rcpt: { 'b@example.com': '552 too many recipients' } }, { recipients });
  assert.deepEqual(brief(many.outcomes), ['accepted 250 2.0.0 accepted', 'temporary 552 too many recipients']);
  const full = await outcomesWith(t, { rcpt: { 'b@example.com': '552 5.2.2 mailbox full' } }, { recipients });
  assert.deepEqual(brief(full.outcomes), ['accepted 250 2.0.0 accepted', 'permanent 552 5.2.2 mailbox full']);
  const only = await outcomesWith(t, { rcpt: '552 no room' });
  assert.deepEqual(brief(only.outcomes), ['permanent 552 no room']);
});

test('250 recipients go out in three transactions over one connection, and a refused one is told apart', async (t) => {
  const recipients = Array.from({ length: 250 }, (_, index) => `user${index}@example.com`);
  const farEnd = await newFarEnd(t, { script: [{}, { rcpt: { 'user150@example.com': '550 5.1.1 no' } }] });
  const outcomes = await newTarget(t).deliver(attemptTo(farEnd.url, { recipients }));
  assert.deepEqual(
    outcomes.filter(({ outcome }) => outcome !== 'accepted').map(({ address, outcome }) => `${address} ${outcome}`),
    ['user150@example.com permanent'],
  );
  assert.deepEqual(
    farEnd.received.map((one) => one.recipients.length),
    [100, 99, 50],
  );
  assert.equal(farEnd.sessions.length, 1);
});

test('a recipient named twice is sent once and has two outcomes', async (t) => {
  const { outcomes, farEnd } = await outcomesWith(t, {}, { recipients: ['bob@example.com', 'bob@example.com'] });
  assert.deepEqual(
    outcomes.map(({ outcome }) => outcome),
    ['accepted', 'accepted'],
  );
  assert.deepEqual(farEnd.received[0]?.rcptLines, ['RCPT TO:<bob@example.com>']);
});

test('a far end that talks without end is given up, and its words are kept short and on one line', async (t) => {
  const long = await outcomesWith(t, { rcpt: `550 5.7.1 ${'x'.repeat(5_000)}\u001b[31m` });
  const reply = long.outcomes[0]?.reply ?? '';
  assert.equal(long.outcomes[0]?.outcome, 'permanent');
  assert.equal(reply.length, 1_000);
  const coloured = await outcomesWith(t, { rcpt: '550 5.7.1 \u001b[31mréd\u0007' });
  assert.deepEqual(brief(coloured.outcomes), ['permanent 550 5.7.1  [31mréd']);
  const endless = await outcomesWith(t, { greeting: `220-${'x'.repeat(200_000)}` });
  assert.equal(endless.outcomes[0]?.outcome, 'temporary');
});
