// Moves a whole store into another one, of any driver: everything, number for number, so that mail programs notice nothing. It may be killed
// at any point and started again; what was copied is not copied twice. The copy becomes a store only after both sides were read again and
// found to be the same. Called by `store copy`.
import { createHash } from 'node:crypto';
import { PermanentError } from '../quarantine/errors.ts';
import { canonicalJson } from './canonical-json.ts';
import type { MovableReader, MovableStore, MovableWriter, MovedContent, StoredMessage, Unreadable } from './movable.ts';

export interface CopyStep {
  step: 'contents' | 'messages' | 'comparison';
  /** Of `total`: contents, messages, or both sides' items in the comparison. Totals are estimates. */
  done: number;
  total: number;
}

export interface CopyReport {
  /** Whether an earlier copy that was cut short was finished. */
  resumed: boolean;
  contents: number;
  contentBytes: number;
  messages: number;
  domains: number;
  accounts: number;
  /** SHA-256 of everything; the same on both sides. */
  digest: string;
}

export interface CopyOptions {
  onStep?: (step: CopyStep) => void;
  /** Contents or messages that are written at once, at most. */
  itemsPerBatch?: number;
}

/** A batch is written when its contents reach this, too. */
const bytesPerBatch = 8 * 1024 * 1024;

/**
 * @throws PermanentError what the target holds is something else, the source is damaged, or it was changed while it was copied
 * @throws TemporaryError one of them is out of reach; give the command again
 */
export async function copyStore(
  from: Pick<MovableStore, 'source'>,
  to: MovableStore,
  { onStep = () => undefined, itemsPerBatch = 200 }: CopyOptions = {},
): Promise<CopyReport> {
  const { source } = from;
  const { target } = to;
  const numbers = await source.numbers();
  const records = await source.records();
  const counts = await source.counts();
  const origin = digestOf(numbers);
  const progress = await target.begin(origin);
  const copied = await to.source.counts();
  const step = (name: 'contents' | 'messages') => {
    const total = Math.max(counts[name], copied[name]);
    onStep({ step: name, done: copied[name], total });
    return (done: number) => onStep({ step: name, done: copied[name] + done, total });
  };
  const batch = { source, target, itemsPerBatch };
  await copyContents(batch, progress.digest, step('contents'));
  await copyMessages(batch, progress.messageId, step('messages'));
  await target.putRecords(records);
  await target.putNumbers(numbers);
  const total = 2 * (counts.contents + counts.messages);
  let done = 0;
  const onItem = (): void => onStep({ step: 'comparison', done: ++done, total });
  const [original, copy] = await Promise.all([summarize(source, onItem), summarize(to.source, onItem)]);
  compare(original, copy, origin);
  await target.finish();
  const { contents, contentBytes, messages, digest } = copy;
  const resumed = progress.digest !== '' || progress.messageId !== '';
  const { domains, accounts } = records;
  return { resumed, contents, contentBytes, messages, domains: domains.length, accounts: accounts.length, digest };
}

interface Batching {
  source: MovableReader;
  target: MovableWriter;
  itemsPerBatch: number;
}

async function copyContents(
  { source, target, itemsPerBatch }: Batching,
  after: string,
  onDone: (done: number) => void,
): Promise<void> {
  let done = 0;
  const sizeOf = ({ bytes }: MovedContent): number => bytes.length;
  for await (const batch of batches(source.contents(after), itemsPerBatch, sizeOf)) {
    for (const content of batch) checkHash(content);
    await target.putContents(batch);
    onDone((done += batch.length));
  }
}

async function copyMessages(
  { source, target, itemsPerBatch }: Batching,
  after: string,
  onDone: (done: number) => void,
): Promise<void> {
  let done = 0;
  for await (const batch of batches(source.messages(after), itemsPerBatch, () => 0)) {
    const held = batch.filter(({ message }) => !message.contentReleased);
    const missing = new Set(await source.missing([...new Set(held.map(({ message }) => message.digest))]));
    const orphan = held.find(({ message }) => missing.has(message.digest));
    if (orphan) throw damaged(orphan.message.id, 'its content is missing');
    await target.putMessages(batch);
    onDone((done += batch.length));
  }
}

/** @throws PermanentError at the first thing that cannot be read: half a store is no copy */
async function* batches<T extends object>(
  items: AsyncIterable<T | Unreadable>,
  itemsPerBatch: number,
  sizeOf: (item: T) => number,
): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for await (const item of items) {
    const read = readable(item);
    batch.push(read);
    bytes += sizeOf(read);
    if (batch.length < itemsPerBatch && bytes < bytesPerBatch) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length) yield batch;
}

function readable<T extends object>(item: T | Unreadable): T {
  if ('fault' in item) throw damaged(item.id, item.fault);
  return item;
}

function checkHash({ digest, bytes }: MovedContent): void {
  if (sha256(bytes) !== digest) throw damaged(digest, 'its bytes are not those that it was stored with');
}

function damaged(id: string, fault: string): PermanentError {
  return new PermanentError(
    `The store to copy is damaged: ${id}: ${fault}. "store verify" tells everything that is wrong with it.`,
  );
}

interface Summary {
  contents: number;
  contentBytes: number;
  messages: number;
  /** Of each part, to tell which one differs. */
  parts: Record<'contents' | 'messages' | 'domains and logins' | 'numbers', string>;
  digest: string;
}

/** Everything there is, read and hashed; contents are hashed again rather than believed. */
async function summarize(store: MovableReader, onItem: () => void): Promise<Summary> {
  const contentHash = createHash('sha256');
  const messageHash = createHash('sha256');
  let [contents, contentBytes, messages] = [0, 0, 0];
  for await (const item of store.contents()) {
    const content = readable(item);
    checkHash(content);
    const { digest, bytes, reading, lastUsedAt } = content;
    contentHash.update(canonicalJson([digest, bytes.length, reading, lastUsedAt]));
    contents++;
    contentBytes += bytes.length;
    onItem();
  }
  for await (const item of store.messages()) {
    messageHash.update(canonicalJson(movedPart(readable(item))));
    messages++;
    onItem();
  }
  const parts = {
    contents: contentHash.digest('hex'),
    messages: messageHash.digest('hex'),
    'domains and logins': digestOf(await store.records()),
    numbers: digestOf(await store.numbers()),
  };
  return { contents, contentBytes, messages, parts, digest: digestOf(parts) };
}

function movedPart({ message, searched, places, gone }: StoredMessage): object {
  return { message, searched, places, gone };
}

/** @throws PermanentError */
function compare(original: Summary, copy: Summary, origin: string): void {
  const again = 'The copy stays unfinished and is refused as a store. Remove it and begin anew';
  if (original.parts.numbers !== origin)
    throw new PermanentError(
      `The store was changed while it was copied. ${again}, once every Lazaretto process that uses it was stopped.`,
    );
  const names = Object.keys(original.parts) as (keyof Summary['parts'])[];
  const different = names.filter((name) => original.parts[name] !== copy.parts[name]);
  if (!different.length) return;
  const counted = ({ contents, messages }: Summary): string => `${messages} messages with ${contents} contents`;
  throw new PermanentError(
    `The copy is not the same as the original: ${different.join(', ')} differ (${counted(original)}, copied ` +
      `${counted(copy)}). Either one of them was changed meanwhile, or before the copy was gone on with. ${again}.`,
  );
}

function digestOf(value: unknown): string {
  return sha256(canonicalJson(value));
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
