// A process for durability.test.ts: stores messages and changes them, several at a time, and says so line by line as soon as, and only
// when, the storage has answered. Goes on until it is killed.
import { writeSync } from 'node:fs';
import { openSqlite } from '../../../src/storage/sqlite/open.ts';
import { insertMessage, newContent, sampleMail } from '../../helpers/messages.ts';

const silent = (): void => undefined;
const storage = await openSqlite(process.argv[2] ?? '', {
  log: { debug: silent, info: silent, warn: silent, error: silent },
});

async function write(worker: number): Promise<never> {
  for (let i = 0; ; i++) {
    const content = newContent(sampleMail(worker * 1_000_000 + i));
    const message = await insertMessage(storage, { content, id: `w${worker}-${i}` });
    writeSync(1, `stored ${message.id}\n`);
    const after = { ...message, flags: { ...message.flags, user: ['\\Seen'] } };
    await storage.commit([{ before: message, after }]);
    writeSync(1, `seen ${message.id}\n`);
  }
}

await Promise.all([1, 2, 3, 4].map(write));
