// Which FETCH is answered as a list, from packed values alone, and what it asks of the storage.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseLine } from '../../src/imap/arguments.ts';
import { parseFetchItems } from '../../src/imap/fetch-items.ts';
import { planList } from '../../src/imap/list-plan.ts';
import { LIST_HEADER_FIELDS } from '../../src/quarantine/reading/list-header.ts';

const plan = (items: string) => planList(parseFetchItems(parseLine(`a UID FETCH 1 ${items}`, []).args.slice(1), true));
const listHeader = `BODY.PEEK[HEADER.FIELDS (${LIST_HEADER_FIELDS.join(' ')})]`;

describe('a FETCH', () => {
  for (const [items, values, also] of [
    ['(ENVELOPE BODYSTRUCTURE)', ['envelope', 'bodyStructure'], []],
    ['(BODYSTRUCTURE UID)', ['bodyStructure'], []],
    [`(UID RFC822.SIZE FLAGS ${listHeader})`, ['listHeader'], ['sizeBytes', 'flags']],
    ['(BODY.PEEK[HEADER.FIELDS (subject FROM)])', ['listHeader'], []],
    ['(BODY.PEEK[HEADER.FIELDS (From)] ENVELOPE BODY.PEEK[HEADER.FIELDS (To)])', ['listHeader', 'envelope'], []],
    ['ALL', ['envelope'], ['flags', 'internalDates', 'sizeBytes']],
    ['FAST', [], ['flags', 'internalDates', 'sizeBytes']],
    ['BODY.PEEK[]', ['content'], []],
    ['(RFC822.SIZE BODY.PEEK[] FLAGS)', ['content'], ['sizeBytes', 'flags']],
  ] as const)
    test(`of ${items.slice(0, 60)} is a list`, () => {
      const found = plan(items);
      assert.deepEqual(found?.query, { values, also });
    });

  for (const items of [
    'BODY',
    'FULL',
    'BODY.PEEK[]<0.100>',
    'BODY.PEEK[HEADER]',
    'BODY.PEEK[TEXT]',
    'BODY.PEEK[1]',
    'BODY.PEEK[1.HEADER.FIELDS (From)]',
    'BODY.PEEK[HEADER.FIELDS (From X-Mailer)]',
    'BODY.PEEK[HEADER.FIELDS.NOT (From)]',
    'BODY.PEEK[HEADER.FIELDS (From)]<0.10>',
    '(ENVELOPE RFC822.HEADER)',
  ])
    test(`of ${items} is answered message by message`, () => assert.equal(plan(items), null));
});
