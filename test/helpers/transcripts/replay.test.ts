// The replay itself: what goes well, and how a transcript fails that expects something else than what the server does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTranscript } from './parse-transcript.ts';
import { replayTranscript } from './replay.ts';

interface Parts {
  dialogue: string;
  then?: string;
  /** For a server that says nothing. */
  patienceMs?: number;
}

/** The dialogue begins in line 12. */
async function replay({ dialogue, then = 'delivered: nothing\nreported: nothing', patienceMs }: Parts): Promise<void> {
  const given = 'login alice@example.com\nCaught of alice@example.com: "A", "B"';
  const head = 'client: x\nsituation: y\norigin: composed\nsource: z';
  const text = `${head}\n\ngiven:\n${given}\n\ndialogue:\n-- connects with TLS and logs in as alice@example.com\n${dialogue}\n\nthen:\n${then}\n`;
  await replayTranscript(parseTranscript('x.txt', text), patienceMs === undefined ? {} : { patienceMs });
}

const released = 'C: a SELECT Caught\nS: ...\nS: a OK ...\nC: b COPY 1 Release\nS: ...\nS: b OK ...';

const options = { timeout: 60_000, concurrency: 4 };

describe('a replay', options, () => {
  test('goes well when everything is as the transcript says', async () => {
    await replay({
      dialogue: released,
      then: 'delivered: "A" to alice@example.com\nreported: nothing\nalice@example.com sees in Caught: "A" ($Released), "B"',
    });
  });

  test('lets a connection be lost while it idles', async () => {
    await replay({ dialogue: 'C: a IDLE\nS: + ...\n-- is reset' });
  });

  const table: [what: string, parts: Parts, said: RegExp][] = [
    [
      'another line',
      { dialogue: 'C: a SELECT Caught\nS: ...\nS: * 3 EXISTS\nS: ...\nS: a OK ...' },
      /^x\.txt:14: the server said something else\n {2}expected {2}anything, then \* 3 EXISTS\n {2}got {7}a OK /,
    ],
    [
      'another value than before',
      {
        dialogue:
          'C: a STATUS Caught (UIDNEXT)\nS: * STATUS "Caught" (UIDNEXT <uidnext>)\nS: a OK ...\nC: b STATUS Spam (UIDNEXT)\nS: * STATUS "Spam" (UIDNEXT <uidnext>)\nS: b OK ...',
      },
      /^x\.txt:16: .*\n {2}expected {2}\* STATUS "Spam" \(UIDNEXT <uidnext>\) {3}\(<uidnext> is 3\)\n {2}got {7}\* STATUS "Spam" \(UIDNEXT 1\)$/,
    ],
    [
      'a line too many, before the answer',
      { dialogue: 'C: a STATUS Caught (UNSEEN)\nS: a OK ...' },
      /^x\.txt:13: .*\n {2}expected {2}a OK \.\.\.\n {2}got {7}\* STATUS "Caught" \(UNSEEN 2\)$/,
    ],
    [
      'a line too many, at the end',
      { dialogue: 'C, broken off:\n  | a NOOP' },
      /^x\.txt:12: the server said something else\n {2}expected {2}nothing more after this line\n {2}got {7}a OK /,
    ],
    [
      'a line too few',
      { dialogue: 'S: * 1 EXPUNGE', patienceMs: 50 },
      /^x\.txt:12: .*\n {2}expected {2}\* 1 EXPUNGE\n {2}got {7}nothing for 0\.05 seconds$/,
    ],
    [
      'none of a group',
      { dialogue: 'C: a LIST "" Spam\nS, in any order:\n  * LIST () "/" "A"\n  * LIST () "/" "B"\nS: a OK ...' },
      /^x\.txt:13: .*\n {2}expected {2}\* LIST \(\) "\/" "A"\n {6}or {4}\* LIST \(\) "\/" "B"\n {2}got {7}\* LIST \(.*\) "\/" "Spam"$/,
    ],
    [
      'an end of the connection',
      { dialogue: 'C: a LOGOUT\nS: * BYE ...\nS: a OK ...\nS: * 1 EXISTS' },
      /^x\.txt:15: .*\n {2}expected {2}\* 1 EXISTS\n {2}got {7}the end of the connection$/,
    ],
    [
      'no end of the connection',
      { dialogue: '-- is closed by the server', patienceMs: 50 },
      /^x\.txt:12: .*\n {2}expected {2}the end of the connection\n {2}got {7}nothing$/,
    ],
    [
      'a command without its answer',
      { dialogue: 'C: a NOOP\n-- is reset' },
      /^x\.txt:12: the transcript has no answer to the command a$/,
    ],
    ['a connection that is not there', { dialogue: 'C2: a NOOP\nS2: a OK' }, /^x\.txt:12: connection 2 is not there/],
    [
      '"..." that nothing ends',
      { dialogue: 'C: a NOOP\nS: ...' },
      /^x\.txt:13: after "\.\.\." a line of the server was expected/,
    ],
    [
      'no delivery',
      { dialogue: released },
      /^x\.txt:20: delivered\n {2}expected {2}nothing\n {2}got {7}"A" to alice@example\.com$/,
    ],
    [
      'another delivery',
      { dialogue: released, then: 'delivered: "B" to alice@example.com\nreported: nothing' },
      /^x\.txt:20: delivered\n {2}expected {2}"B" to .*\n {2}got {7}"A" to /,
    ],
    [
      'two deliveries of one',
      {
        dialogue: released,
        then: 'delivered: "A" to alice@example.com\ndelivered: "A" to alice@example.com\nreported: nothing',
      },
      /^x\.txt:20: delivered\n {2}expected {2}"A" to alice@example\.com, "A" to alice@example\.com\n {2}got {7}"A" to alice@example\.com$/,
    ],
    [
      'a report',
      { dialogue: released, then: 'delivered: "A" to alice@example.com\nreported as ham: "A"' },
      /^x\.txt:21: reported as ham\n {2}expected {2}"A"\n {2}got {7}nothing$/,
    ],
    [
      'other flags',
      {
        dialogue: released,
        then: 'delivered: "A" to alice@example.com\nreported: nothing\nalice@example.com sees in Caught: "A", "B"',
      },
      /^x\.txt:22: alice@example\.com sees in Caught\n {2}expected {2}"A", "B"\n {2}got {7}"A" \(\$Released\), "B"$/,
    ],
    [
      'messages in a folder that shows none',
      {
        dialogue: 'C: a NOOP\nS: a OK ...',
        then: 'delivered: nothing\nreported: nothing\nalice@example.com sees in Release: nothing',
      },
      /^x\.txt:18: alice@example\.com has no folder Release that shows messages$/,
    ],
    [
      'bytes that are not those of the mail',
      {
        dialogue: 'C: a APPEND Spam {+}\nC, literal:\n  | Subject: A\n  |\nS: a OK ...',
        then: 'delivered: nothing\nreported as spam: "A"',
      },
      /^x\.txt:20: reported as spam\n {2}expected {2}"A"\n {2}got {7}none of the mails to the byte \(14 bytes, A\)$/,
    ],
  ];
  for (const [what, parts, said] of table) {
    test(`fails where the transcript expects ${what}`, async () => {
      await assert.rejects(replay(parts), { name: 'TranscriptError', message: said });
    });
  }
});
