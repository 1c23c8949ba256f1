// Contract: a search of a mailbox finds what the domain says that it finds (quarantine/search/match.ts), message by message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Storage } from '../../../src/quarantine/ports.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import type { Condition } from '../../../src/quarantine/search/condition.ts';
import { SearchPlan } from '../../../src/quarantine/search/match.ts';
import { arrivedAt, insertMessage, newContent, newMessage, ownerOf } from '../../helpers/messages.ts';
import { conditionOf } from '../../helpers/search-condition.ts';
import { buried, change, flagged, removed } from './changes.ts';
import { alice, exampleCom, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

const everything = [{ from: 1, to: 4_294_967_295 }];

const mails = [
  'Date: Mon, 5 Jan 2026 10:00:00 +0000\r\nFrom: Ann <ann@remote.example>\r\nSubject: Rechnung f\u00fcr M\u00e4rz\r\n\r\nClick here\r\nto unsubscribe.\r\n',
  'Date: Tue, 06 Jan 2026 23:59:59 -1100\r\nFrom: bob@remote.example\r\nTo: list@remote.example\r\nSubject: =?utf-8?Q?RECHNUNG?=\r\nX-Spam-Flag: YES\r\n\r\nNothing to see\r\n',
  'From: ann@remote.example\r\nSubject: \u65e5\u672c\u8a9e\u306e\u624b\u7d19\r\nX-Spam-Flag: NO\r\nContent-Type: text/html\r\n\r\n<p>un<b>sub</b>scribe</p><p>\u00df and \ufb01 and 5 &lt; 6</p>\r\n',
  'Date: someday\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n0JfQtNGA0LDQstGB0YLQstGD0LnRgtC1LCDQvNC40YAh\r\n',
  'Subject:\r\n\r\n',
].map((source) => newContent(Buffer.from(source, 'utf8')));

/** In words of IMAP, because these say much in a line. */
const searches = [
  'ALL',
  'NEW',
  'SEEN',
  'NOT SEEN',
  'KEYWORD Junk',
  'UID 2:3',
  'NOT UID 1:*',
  'SINCE 5-Jan-2026',
  'BEFORE 5-Jan-2026',
  'LARGER 150',
  'SMALLER 150',
  'SENTON 6-Jan-2026',
  'SENTBEFORE 1-Jan-2030',
  'NOT SENTSINCE 6-Jan-2026',
  'FROM ann',
  'NOT FROM ann',
  'TO ""',
  'CC x',
  'SUBJECT rechnung',
  'SUBJECT "f\u00fcr m"',
  'SUBJECT \u672c\u8a9e',
  'HEADER X-Spam-Flag yes',
  'HEADER X-Spam-Flag ""',
  'BODY unsubscribe',
  'BODY "here to"',
  'BODY \u0437\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439\u0442\u0435',
  'BODY SS',
  'BODY fi',
  'BODY e',
  'TEXT rechnung',
  'TEXT "5 < 6"',
  'TEXT "x-spam-flag: no"',
  'OR BODY nothing SUBJECT \u65e5',
  'SEEN BODY unsubscribe',
  'NOT (FROM ann BODY unsubscribe)',
  'OR (UNSEEN FROM bob) (SEEN TEXT ann)',
];

export function searchContract(open: OpenStore): void {
  test(
    'finds by flags, numbers, dates, sizes, fields and words what the condition says, for each login by its own flags',
    withStore(open, async ({ storage }) => {
      const ids: string[] = [];
      for (const [i, content] of mails.entries())
        ids.push((await insertMessage(storage, { content, internalDate: arrivedAt - i * 43_200_000 })).id);
      await change(storage, ids[0] ?? '', flagged('user', '\\Seen'));
      await change(storage, ids[2] ?? '', flagged('user', '\\Seen', 'Junk'));
      await change(storage, ids[1] ?? '', flagged('global', '\\Seen'));
      const found = new Set<string>();
      for (const scope of [alice, exampleCom, global])
        for (const written of searches) {
          const uids = await check(storage, scope, conditionOf(written));
          found.add(`${written}: ${uids.join()}`);
        }
      assert.ok(
        found.has('BODY unsubscribe: 1,3') && found.has('SUBJECT rechnung: 1,2') && found.has('TEXT rechnung: 1,2'),
      );
    }),
  );

  test(
    'finds each of the messages that share a content, in the order of their UIDs, and none that left',
    withStore(open, async ({ storage }) => {
      const [shared, other] = [mails[0], mails[1]];
      assert.ok(shared && other);
      const owners = ['alice@example.com', 'bob@example.com', 'alice@example.com'].map(ownerOf);
      const messages = owners.map((owner) => newMessage({ content: shared, owner }));
      await storage.insert({ content: shared, messages, skipKnown: false }, arrivedAt);
      await insertMessage(storage, { content: other });
      const condition = conditionOf('TEXT rechnung');
      assert.deepEqual(await check(storage, alice, condition), [1, 3, 4]);
      assert.deepEqual(await check(storage, exampleCom, condition), [1, 2, 3, 4]);
      await change(storage, messages[0]?.id ?? '', removed());
      await change(storage, messages[2]?.id ?? '', removed());
      await change(storage, messages[2]?.id ?? '', buried);
      assert.deepEqual(await check(storage, alice, condition), [4]);
      assert.deepEqual(await check(storage, global, condition), [2, 4]);
    }),
  );

  test(
    'finds nothing where there is nothing, and what arrived a moment ago',
    withStore(open, async ({ storage }) => {
      assert.deepEqual(await check(storage, alice, conditionOf('ALL')), []);
      assert.deepEqual(await check(storage, alice, conditionOf('TEXT x')), []);
      for (let i = 1; i <= 5; i++) {
        await insertMessage(storage, { content: newContent(`Subject: number ${i}\r\n\r\nwords of ${i}\r\n`) });
        assert.deepEqual(await check(storage, alice, conditionOf(`SUBJECT "number ${i}" BODY "of ${i}"`)), [i]);
      }
    }),
  );

  test(
    'ends without an answer when nobody waits for it any more, and others are answered',
    withStore(open, async ({ storage }) => {
      for (const content of mails) await insertMessage(storage, { content });
      const condition = conditionOf('BODY unsubscribe');
      assert.equal(await storage.search(alice, 'caught', condition, AbortSignal.abort()), null);
      const gone = new AbortController();
      const searching = storage.search(alice, 'caught', condition, gone.signal);
      gone.abort();
      const answer = await searching;
      assert.ok(answer === null || answer.length === 2);
      const signal = new AbortController().signal;
      const both = await Promise.all([1, 2].map(() => storage.search(alice, 'caught', condition, signal)));
      assert.deepEqual(
        both.map((uids) => uids && [...uids]),
        [
          [1, 3],
          [1, 3],
        ],
      );
    }),
  );
}

/** Answers the UIDs. */
async function check(storage: Storage, scope: Scope, condition: Condition): Promise<number[]> {
  const plan = new SearchPlan(condition);
  const expected: number[] = [];
  const listed = await storage.list(scope, 'caught', everything);
  const readings = await storage.readings(
    scope,
    listed.map(({ id }) => id),
  );
  for (const [i, message] of listed.entries()) {
    const reading = readings[i];
    assert.ok(reading);
    const content = (start: number, end: number): Promise<Buffer | null> =>
      storage.content(scope, message.id, start, end);
    if (await plan.matches({ ...message, reading, content })) expected.push(message.uid);
  }
  const uids = await storage.search(scope, 'caught', condition);
  assert.deepEqual(uids && [...uids], expected, JSON.stringify(condition));
  return expected;
}
