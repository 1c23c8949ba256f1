// A MongoDB store as a whole (../movable.ts), for `store copy` and `store verify`. Nobody can be kept out of a source; a copy notices what
// was changed meanwhile.
import { PermanentError } from '../../quarantine/errors.ts';
import type { Log } from '../../quarantine/ports.ts';
import { unfinishedCopy } from '../movable.ts';
import type { MovableStore, MovableUse } from '../movable.ts';
import type { Connection } from './connection.ts';
import { createGate } from './gate.ts';
import type { Reader } from './mailboxes.ts';
import { createMovableReader } from './movable-reader.ts';
import { createMovableWriter } from './movable-writer.ts';
import { connect } from './open.ts';
import { createSequences } from './sequences.ts';
import { numberAllLeft } from './sweep.ts';

const silent = (): void => undefined;
const noLog: Log = { debug: silent, info: silent, warn: silent, error: silent };

/**
 * @throws PermanentError there is no store (unless it is a target), or an unfinished copy
 * @throws TemporaryError no server can be reached
 */
export async function openMovableMongo(url: string, use: MovableUse): Promise<MovableStore> {
  const connection = await connect(url, { log: noLog });
  const reader: Reader = { connection, sequences: createSequences(connection) };
  const gate = createGate();
  try {
    if (use !== 'target') await checkSource(connection);
    if (use === 'source') await settle(reader);
  } catch (error) {
    await connection.client.close();
    throw error;
  }
  const { contents, messages, ...others } = createMovableReader(reader);
  return {
    source: { ...gate.behind(others), contents, messages },
    target: gate.behind(createMovableWriter(connection)),
    close: () => connection.client.close(),
  };
}

async function checkSource({ store }: Connection): Promise<void> {
  if (await store.findOne({ _id: 'copy' })) throw new PermanentError(unfinishedCopy);
  if (!(await store.findOne({ _id: 'numbers' })))
    throw new PermanentError('There is no store of Lazaretto in this MongoDB database.');
}

/** What writers that ended left without a number gets it now, so that nothing moves while it is copied. */
async function settle(reader: Reader): Promise<void> {
  await numberAllLeft(reader);
  const keys = await reader.connection.sequences.find({}, { projection: { _id: 1 } }).toArray();
  for (const { _id } of keys) await reader.sequences.settled(_id);
}
