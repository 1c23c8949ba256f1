// A process for index.test.ts: stores three messages and indexes them, again and again, and says so after each round. Goes on until it is
// killed.
import { writeSync } from 'node:fs';
import { openConnection } from '../../../../src/storage/sqlite/connection.ts';
import { openSqlite } from '../../../../src/storage/sqlite/open.ts';
import { openIndex } from '../../../../src/storage/sqlite/search/index-file.ts';
import { indexNew } from '../../../../src/storage/sqlite/search/index-rounds.ts';
import { insertMessage, newContent } from '../../../helpers/messages.ts';

const silent = (): void => undefined;
const path = process.argv[2] ?? '';
const storage = await openSqlite(path, { log: { debug: silent, info: silent, warn: silent, error: silent } });
const main = openConnection(path, { readOnly: true });
const index = openIndex(path);
for (let round = 0; ; round++) {
  for (const each of [1, 2, 3]) {
    const number = round * 3 + each;
    await insertMessage(storage, { content: newContent(`Subject: x\r\n\r\nnumber ${number}\r\n`), id: `m${number}` });
  }
  await indexNew(main, index);
  writeSync(1, `round ${round}\n`);
}
