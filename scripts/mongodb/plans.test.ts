// Every query that the MongoDB driver makes finds its documents by an index. Its commands are overheard while all of the port is used; then
// each is looked at on paper (paper-plan.ts), on any server, and its plan is asked for where the server explains plans as MongoDB does. Run by
// `npm run test:mongodb`.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import type { Document } from 'mongodb';
import { indexes } from '../../src/storage/mongodb/schema.ts';
import { overheardCommands } from './overheard-commands.ts';
import type { Overheard } from './overheard-commands.ts';
import { paperPlans } from './paper-plan.ts';
import type { PaperIndex, PaperPlan } from './paper-plan.ts';
import { testDatabase } from './test-database.ts';

/** Made by the server and by GridFS. */
const own: (PaperIndex & { collection: string })[] = [
  { collection: 'large.chunks', name: 'files_id_1_n_1', key: { files_id: 1, n: 1 } },
];

function indexesOf(collection: string): PaperIndex[] {
  const made = indexes.flatMap(({ collection: of, index: { key, options } }) => {
    const only = options.partialFilterExpression;
    const index = { name: options.name, key: key as Record<string, 1 | -1>, ...(only && { only }) };
    return of === collection ? [index] : [];
  });
  return [{ name: '_id_', key: { _id: 1 } }, ...made, ...own.filter((each) => each.collection === collection)];
}

/** What reads a whole collection on purpose. */
const ofAll: { why: string; is(command: Overheard): boolean }[] = [
  {
    why: 'small: one document for each domain, account, mailbox or drop folder',
    is: ({ collection }) => ['sequences', 'domains', 'names', 'accounts', 'mailboxes', 'drops'].includes(collection),
  },
  {
    why: 'is there anything at all: the first document says it',
    is: (command) => isEmpty(command.filter) && command.limit === 1,
  },
  { why: 'store stats counts everything', is: ({ by }) => by === 'stats' },
  {
    why: 'GridFS asks whether its collection is empty',
    is: ({ collection, filter }) => collection === 'large.files' && isEmpty(filter),
  },
  { why: 'numbering anew, once in four thousand million arrivals', is: ({ by }) => by === 'numbering anew' },
  {
    why: 'the administrator looks for words in all that is held',
    is: ({ by, filter }) => by === 'find' && JSON.stringify(filter).includes('searched'),
  },
];

const isEmpty = (filter: Document): boolean => Object.keys(filter).length === 0;
const shape = ({ name, collection, filter, sort }: Overheard): string =>
  `${name} ${collection} ${JSON.stringify(filter)} ${sort ? `sorted by ${JSON.stringify(sort)}` : ''}`;

describe('the plan of', () => {
  const { url, drop } = testDatabase();
  let commands: Overheard[];
  before(async () => {
    const all = await overheardCommands(url);
    commands = [
      ...new Map(all.map((command) => [`${shape(command)} ${command.fields?.join() ?? ''}`, command])).values(),
    ];
  });
  after(drop);

  const looked = (): Overheard[] => commands.filter((command) => !ofAll.some(({ is }) => is(command)));
  const plansOf = ({ collection, filter, sort, fields }: Overheard): PaperPlan[] =>
    paperPlans({ filter, sort, fields }, indexesOf(collection));

  test('enough is overheard to mean anything, and each exception is one', () => {
    assert.ok(looked().length > 80, `${looked().length} different commands`);
    for (const { why, is } of ofAll)
      assert.ok(commands.some(is), `nothing is overheard that needs the exception: ${why}`);
  });

  test('every query has an index that MongoDB may take for it', () => {
    const without = looked().filter((command) => !plansOf(command).length);
    assert.deepEqual(without.map(shape), []);
  });

  test('every query that is sorted has an index in that order', () => {
    const sorted = looked().filter(({ sort }) => sort);
    assert.ok(sorted.length > 15, String(sorted.length));
    assert.deepEqual(sorted.filter((command) => !plansOf(command).some(({ isSorted }) => isSorted)).map(shape), []);
  });

  test('opening and counting a mailbox, and the next job, read an index alone', () => {
    const alone = looked().filter(
      ({ by, collection }) => /openMailbox|mailboxStatus|nextDueAt/.test(by) && collection === 'messages',
    );
    const isAbout = (words: RegExp) => (command: Overheard) => words.test(JSON.stringify(command.filter));
    // Messages that have flags are looked at, and no others.
    const flagged = alone.filter(isAbout(/\.flags\.0"/));
    assert.ok(flagged.length >= 3, String(flagged.length));
    for (const command of flagged)
      assert.ok(
        plansOf(command).some(({ index, isSorted }) => isSorted && index.name.startsWith('flagged_for_')),
        shape(command),
      );
    const inIndex = alone
      .filter(isAbout(/"(user|domain|global)\.shown"|"dueAt"/))
      .filter((one) => !flagged.includes(one));
    assert.ok(inIndex.length >= 10, String(inIndex.length));
    assert.deepEqual(inIndex.filter((command) => !plansOf(command).some(({ isCovered }) => isCovered)).map(shape), []);
  });

  test('every index has a query that it is there for', () => {
    const taken = new Set(looked().flatMap((command) => plansOf(command).map(({ index }) => index.name)));
    assert.deepEqual(
      indexes.map(({ index }) => index.options.name).filter((name) => !taken.has(name)),
      [],
    );
  });

  test('every query as the server itself explains it', async (t) => {
    const client = new MongoClient(url);
    try {
      if (!(await explains(client)))
        return t.diagnostic('not run: this server does not explain its plans as MongoDB does');
      for (const command of looked()) {
        const text = JSON.stringify(
          await client.db().command({ explain: command.explainable, verbosity: 'queryPlanner' }),
        );
        assert.doesNotMatch(text, /"COLLSCAN"/, shape(command));
      }
    } finally {
      await client.close();
    }
  });
});

async function explains(client: MongoClient): Promise<boolean> {
  try {
    const asked = { explain: { find: 'messages', filter: { _id: 'x' } }, verbosity: 'queryPlanner' };
    return 'stage' in (((await client.db().command(asked)).queryPlanner as Document).winningPlan as Document);
  } catch {
    return false;
  }
}
