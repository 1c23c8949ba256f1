// Puts a reading together from its parts, each in a file of its own. Called by read-message, which catches what may
// still go wrong here; tests call it directly, so that nothing is hidden from them.

import { listAttachments } from './attachments.ts';
import { bodyStructures } from './body-structure.ts';
import { charsetOf, isText, lowerCaseType } from './content-fields.ts';
import { envelopeWire, readEnvelope } from './envelope.ts';
import { Budget, type ReadingLimits } from './limits.ts';
import { countLines } from './line-counts.ts';
import { readListHeader } from './list-header.ts';
import { type NumberedPart, numberParts } from './part-numbers.ts';
import { type Entity, findParts } from './part-tree.ts';
import { previewOf } from './preview.ts';
import { type MessageRange, READING_VERSION, type Reading, type ReadingPart } from './reading.ts';
import { summarize } from './summary.ts';

export function analyseMessage(raw: Buffer, limits: ReadingLimits): Reading {
  const budget = new Budget(limits);
  const root = findParts(raw, budget);
  const numbered = numberParts(root);
  const withLines = numbered
    .map(({ entity }) => entity)
    .filter((entity) => entity.kind === 'message' || isText(entity.content));
  const lines = countLines(raw, withLines);
  // The message's own header is served first when room runs short.
  const envelope = readEnvelope(raw, root.fields, budget);
  const envelopeText = envelopeWire(envelope, budget);
  const listHeader = readListHeader(raw, root.headerEnd, budget);
  const source = { root, lines, envelopes: embeddedEnvelopes(raw, numbered, budget) };
  return {
    version: READING_VERSION,
    sizeBytes: raw.length,
    headerBytes: root.headerEnd,
    envelope: envelopeText,
    ...bodyStructures(source, budget),
    listHeader,
    parts: numbered.map((part) => readingPart(part, lines)),
    summary: summarize(envelope),
    preview: previewOf(raw, numbered),
    attachments: listAttachments(raw, numbered),
    analysis: budget.limited ? 'limited' : 'complete',
  };
}

function embeddedEnvelopes(raw: Buffer, parts: readonly NumberedPart[], budget: Budget): Map<Entity, string> {
  const envelopes = new Map<Entity, string>();
  for (const { entity } of parts) {
    const [message] = entity.kind === 'message' ? entity.children : [];
    if (!message) continue;
    const text = envelopeWire(readEnvelope(raw, message.fields, budget), budget);
    // BODY and BODYSTRUCTURE both hold it.
    if (budget.spendWire(text.length)) envelopes.set(message, text);
  }
  return envelopes;
}

function readingPart({ path, entity }: NumberedPart, lines: ReadonlyMap<Entity, number>): ReadingPart {
  const charset = charsetOf(entity.content);
  const [message] = entity.kind === 'message' ? entity.children : [];
  return {
    path,
    type: lowerCaseType(entity.content),
    ...rangeOf(entity),
    lines: lines.get(entity) ?? 0,
    encoding: entity.content.encoding.toLowerCase(),
    ...(charset === null ? {} : { charset }),
    ...(message ? { embedded: rangeOf(message) } : {}),
  };
}

function rangeOf({ headerStart, headerEnd, bodyStart, bodyEnd }: MessageRange): MessageRange {
  return { headerStart, headerEnd, bodyStart, bodyEnd };
}
