// Makes the indexes of schema.ts. In a store that holds mail already they are built in the background, so that an update of the program
// keeps nobody waiting: MongoDB builds an index beside reads and writes, and queries work without it meanwhile, only slower.
import { MongoServerError } from 'mongodb';
import type { Connection } from './connection.ts';
import { indexes } from './schema.ts';

/** Answers the build that goes on. */
export async function ensureIndexes(connection: Connection): Promise<{ building: Promise<void> }> {
  const missing = await missingIndexes(connection);
  const isEmpty = (await connection.messages.findOne({}, { projection: { _id: 1 } })) === null;
  const building = build(connection, missing, isEmpty ? undefined : 'told');
  if (!isEmpty) return { building: building.catch((error: unknown) => failed(connection, error)) };
  await building;
  return { building: Promise.resolve() };
}

function failed({ log }: Connection, error: unknown): void {
  log.error(
    { event: 'storage', err: error },
    'an index of the store could not be built; searches are slow until the next start',
  );
}

async function missingIndexes(connection: Connection): Promise<typeof indexes> {
  const existing = new Map<string, Set<string>>();
  for (const name of ['messages', 'contents', 'unsettled'] as const)
    existing.set(name, new Set(await indexNames(connection, name)));
  return indexes.filter(({ collection, index }) => !existing.get(collection)?.has(index.options.name));
}

async function indexNames(connection: Connection, name: 'messages' | 'contents' | 'unsettled'): Promise<string[]> {
  try {
    return (await connection[name].indexes()).map((index) => index.name ?? '');
  } catch (error) {
    // NamespaceNotFound: the collection comes with its first document.
    if (error instanceof MongoServerError && error.code === 26) return [];
    throw error;
  }
}

async function build(connection: Connection, missing: typeof indexes, told: 'told' | undefined): Promise<void> {
  const names = missing.map(({ index }) => index.options.name);
  if (told && names.length) connection.log.info({ event: 'storage', indexes: names }, 'building indexes of the store');
  for (const { collection, index } of missing) await buildOne(connection, collection, index);
  if (told && names.length) connection.log.info({ event: 'storage', indexes: names }, 'the indexes are built');
}

async function buildOne(
  connection: Connection,
  collection: (typeof indexes)[number]['collection'],
  { key, options }: (typeof indexes)[number]['index'],
): Promise<void> {
  try {
    await connection[collection].createIndex(key, options);
  } catch (error) {
    if (!(error instanceof MongoServerError && options.partialFilterExpression)) throw error;
    // A server without partial indexes: the same index over everything is larger and finds the same.
    const { partialFilterExpression: _unknown, ...rest } = options;
    await connection[collection].createIndex(key, rest);
  }
}
