// Contract: lists with what is prepared of the messages. They say what the readings say, byte for byte, whatever the driver packs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackedMessages, PackedQuery, PackedValue, Storage } from '../../../src/quarantine/ports.ts';
import { scopeOfLogin } from '../../../src/quarantine/scope.ts';
import type { Scope } from '../../../src/quarantine/scope.ts';
import { arrivedAt, insertMessage, newContent, newMessage, ownerOf } from '../../helpers/messages.ts';
import { change, flagged, hiddenFrom, removed } from './changes.ts';
import { alice, bob, exampleCom, global, withStore } from './store.ts';
import type { OpenStore } from './store.ts';

const everything = [{ from: 1, to: 4_294_967_295 }];
type Prepared = Exclude<PackedValue, 'content'>;
const allValues: readonly Prepared[] = ['envelope', 'bodyStructure', 'listHeader'];
const all: PackedQuery = { values: allValues, also: ['flags', 'sizeBytes', 'internalDates'], limit: 1000 };

interface Unpacked {
  uid: number;
  flags: string[] | undefined;
  sizeBytes: number | undefined;
  internalDate: number | undefined;
  /** Wire strings; null for what is not packed. */
  values: (string | null)[];
}

function unpack({ uids, flags, flagSets, ...found }: PackedMessages, query: PackedQuery): Unpacked[] {
  const width = query.values.length;
  assert.equal(found.positions.length, uids.length * width * 2);
  return [...uids].map((uid, i) => ({
    uid,
    flags: query.also.includes('flags') ? flagSets[flags[i] ?? -1] : undefined,
    sizeBytes: found.sizeBytes[i],
    internalDate: found.internalDates[i],
    values: query.values.map((_, value) => {
      const [start = -1, end = -1] = found.positions.subarray((i * width + value) * 2);
      return start < 0 ? null : found.bytes.toString('latin1', start, end);
    }),
  }));
}

async function listed(storage: Storage, scope: Scope, query = all, ranges = everything): Promise<Unpacked[]> {
  return unpack(await storage.listPacked(scope, 'caught', ranges, query), query);
}

export function packedContract(open: OpenStore): void {
  test(
    'a list with prepared values says what the list and the readings say, also of bytes that are no text',
    withStore(open, async ({ storage }) => {
      const sources = [
        'From: a@remote.example\r\nSubject: plain\r\n\r\ntext\r\n',
        Buffer.from('From: \xfc\xff\x80 <b@remote.example>\r\nSubject: nul\0 and \xc3\r\n\r\n', 'latin1'),
        Buffer.from('Subject: =?utf-8?Q?=C3=A4?=\r\nTo: "q\\"uo" <c@remote.example>\r\n\r\n\xe4\xf6'),
        '',
        'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: image/png; name="\xe9"\r\n\r\n--x--\r\n',
      ];
      for (const source of sources) await insertMessage(storage, { content: newContent(source) });
      const plain = await storage.list(alice, 'caught', everything);
      const readings = await storage.readings(
        alice,
        plain.map(({ id }) => id),
      );
      assert.deepEqual(
        await listed(storage, alice),
        plain.map(({ uid, flags, sizeBytes, internalDate }, i) => ({
          uid,
          flags,
          sizeBytes,
          internalDate,
          values: allValues.map((name) => readings[i]?.[name]),
        })),
      );
    }),
  );

  test(
    'a list with prepared values has those that were asked for, in that order, and nothing else',
    withStore(open, async ({ storage }) => {
      const { id } = await insertMessage(storage);
      const [reading] = await storage.readings(alice, [id]);
      assert.ok(reading);
      const nothing: Omit<Unpacked, 'values'> = {
        uid: 1,
        flags: undefined,
        sizeBytes: undefined,
        internalDate: undefined,
      };
      const wanted: Prepared[][] = [[], ['listHeader'], ['bodyStructure', 'envelope'], ['listHeader', 'envelope']];
      for (const values of wanted)
        assert.deepEqual(await listed(storage, alice, { values, also: [], limit: 9 }), [
          { ...nothing, values: values.map((name): string | null => reading[name]) },
        ]);
      for (const [name, known] of [
        ['flags', { flags: [] }],
        ['sizeBytes', { sizeBytes: reading.sizeBytes }],
        ['internalDates', { internalDate: arrivedAt }],
      ] as const)
        assert.deepEqual(await listed(storage, alice, { values: [], also: [name], limit: 9 }), [
          { ...nothing, ...known, values: [] },
        ]);
    }),
  );

  test(
    'flags in a list with prepared values are those of the role, and marks',
    withStore(open, async ({ storage }) => {
      const messages = await Promise.all(Array.from({ length: 5 }, () => insertMessage(storage)));
      const id = (i: number): string => messages[i]?.id ?? '';
      await change(storage, id(0), flagged('user', '\\Seen', '$Forwarded'));
      await change(storage, id(1), flagged('domain', '\\Flagged'));
      await change(storage, id(2), flagged('user', '\\Seen', '$Forwarded'));
      await change(storage, id(3), (message) => ({ ...message, marks: ['$Released'] }));
      for (const scope of [alice, exampleCom, global]) {
        const plain = await storage.list(scope, 'caught', everything);
        const packed = await listed(storage, scope, { ...all, values: [] });
        assert.deepEqual(
          packed.map(({ uid, flags }) => ({ uid, flags })),
          plain.map(({ uid, flags }) => ({ uid, flags })),
        );
      }
    }),
  );

  test(
    'ranges and limit count as in a list without prepared values',
    withStore(open, async ({ storage }) => {
      for (let i = 0; i < 12; i++) await insertMessage(storage);
      const listings = [
        { ranges: [{ from: 3, to: 5 }], limit: 100 },
        { ranges: [{ from: 3, to: 9 }], limit: 2 },
        {
          ranges: [
            { from: 9, to: 40 },
            { from: 1, to: 2 },
            { from: 2, to: 3 },
          ],
          limit: 100,
        },
        {
          ranges: [
            { from: 1, to: 2 },
            { from: 6, to: 9 },
            { from: 11, to: 11 },
          ],
          limit: 4,
        },
        { ranges: [{ from: 13, to: 4_294_967_295 }], limit: 100 },
        { ranges: [], limit: 100 },
      ];
      const whole = await listed(storage, alice);
      for (const { ranges, limit } of listings) {
        const plain = await storage.list(alice, 'caught', ranges, limit);
        assert.deepEqual(
          await listed(storage, alice, { ...all, limit }, ranges),
          plain.map(({ uid }) => whole.find((each) => each.uid === uid)),
        );
        assert.deepEqual(
          (await listed(storage, alice, { values: ['envelope'], also: [], limit }, ranges)).map(({ uid }) => uid),
          plain.map(({ uid }) => uid),
        );
      }
    }),
  );

  test(
    'a list with prepared values shows what the mailbox shows and nothing else',
    withStore(open, async ({ storage }) => {
      const [gone, hidden, kept] = [
        await insertMessage(storage),
        await insertMessage(storage),
        await insertMessage(storage),
      ];
      await insertMessage(storage, { owner: ownerOf('bob@example.com') });
      await insertMessage(storage, { view: 'training' });
      await change(storage, gone.id, removed());
      await change(storage, hidden.id, hiddenFrom('user'));
      assert.ok(kept);
      for (const scope of [alice, bob, exampleCom, global, scopeOfLogin('carol@example.org')]) {
        const { uids } = await storage.openMailbox(scope, 'caught');
        assert.deepEqual(
          (await listed(storage, scope)).map(({ uid }) => uid),
          [...uids],
        );
      }
    }),
  );

  test(
    'messages that share a content are listed with the same values',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      const messages = ['alice@example.com', 'bob@example.com'].map((login) =>
        newMessage({ content, owner: ownerOf(login) }),
      );
      await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
      await insertMessage(storage, { content });
      const values = allValues.map((name) => content.reading[name]);
      assert.deepEqual(
        (await listed(storage, exampleCom)).map((each) => each.values),
        [values, values, values],
      );
    }),
  );

  test(
    'a value that is too large is left out, and its neighbours are not; a list header that was never kept is not there',
    withStore(open, async ({ storage }) => {
      const contents = [
        newContent(),
        newContent(`To: ${'<somebody@remote.example>, '.repeat(5000)}<a@remote.example>\r\n\r\n`),
        newContent(),
        { ...newContent(), reading: { ...newContent().reading, listHeader: null } },
      ];
      for (const content of contents) await insertMessage(storage, { content });
      const found = await listed(storage, alice);
      const [first, large, third, without] = found.map(({ values }) => values);
      assert.deepEqual(
        first,
        allValues.map((name) => contents[0]?.reading[name]),
      );
      assert.deepEqual(
        third,
        allValues.map((name) => contents[2]?.reading[name]),
      );
      assert.deepEqual([large?.[0], large?.[2]], [null, null]);
      assert.deepEqual(without, [contents[3]?.reading.envelope, contents[3]?.reading.bodyStructure, null]);
    }),
  );

  test(
    'prepared values of a reading that a newer version made take the place of the older ones',
    withStore(open, async ({ storage }) => {
      const content = newContent();
      await insertMessage(storage, { content });
      const { reading } = content;
      const newer = { ...reading, version: reading.version + 1, envelope: '(NEWER)', listHeader: null };
      await storage.keepContent({ ...content, reading: newer }, arrivedAt);
      assert.deepEqual((await listed(storage, alice))[0]?.values, ['(NEWER)', reading.bodyStructure, null]);
    }),
  );

  test(
    'a list has whole contents, those of bytes that are no text, too, and other values beside them',
    withStore(open, async ({ storage }) => {
      const sources = ['Subject: a\r\n\r\ntext', Buffer.from('\0\xff\r\n\r\n\0\xc3', 'latin1'), 'x'.repeat(30_000)];
      const contents = sources.map((source) => newContent(source));
      for (const content of contents) await insertMessage(storage, { content });
      const whole = contents.map(({ bytes }) => bytes.toString('latin1'));
      for (const [values, expected] of [
        [['content'], whole.map((content) => [content])],
        [
          ['envelope', 'content', 'listHeader'],
          contents.map(({ reading }, i) => [reading.envelope, whole[i], reading.listHeader]),
        ],
      ] as const) {
        const found = await listed(storage, alice, { ...all, values });
        assert.deepEqual(
          found.map((each) => each.values),
          expected,
        );
        assert.deepEqual(
          found.map(({ sizeBytes }) => sizeBytes),
          whole.map(({ length }) => length),
        );
      }
    }),
  );

  test(
    'a list leaves out a content that is large or empty',
    withStore(open, async ({ storage }) => {
      for (const source of ['', 'y'.repeat(600_000), 'small'])
        await insertMessage(storage, { content: newContent(source) });
      const found = await listed(storage, alice, { values: ['content'], also: [], limit: 9 });
      assert.deepEqual(
        found.map(({ values }) => values[0] || null),
        [null, null, 'small'],
      );
    }),
  );

  test(
    'a list of contents comes in answers of bounded size, and each message in one of them',
    withStore(open, async ({ storage }) => {
      const content = newContent('z'.repeat(50_000));
      const messages = Array.from({ length: 40 }, () => newMessage({ content }));
      await storage.insert({ content, messages, skipKnown: false }, arrivedAt);
      const query: PackedQuery = { values: ['content'], also: [], limit: 1000 };
      const uids: number[] = [];
      for (let answers = 0; uids.length < 40; answers++) {
        const next = (uids.at(-1) ?? 0) + 1;
        const ranges = [
          { from: Math.min(next, 30), to: 30 },
          { from: Math.max(next, 31), to: 99 },
        ].slice(next > 30 ? 1 : 0);
        const found = await listed(storage, alice, query, ranges);
        assert.ok(found.length > 0 && found.length <= 12);
        assert.ok(found.every(({ values }) => values[0]?.length === 50_000));
        uids.push(...found.map(({ uid }) => uid));
        assert.ok(answers < 40);
      }
      assert.deepEqual(
        uids,
        Array.from({ length: 40 }, (_, i) => i + 1),
      );
      assert.deepEqual(await listed(storage, alice, query, [{ from: 41, to: 99 }]), []);
      assert.equal((await listed(storage, alice, { ...query, limit: 3 })).length, 3);
    }),
  );
}
