// Writes the part tree as the IMAP values BODY and BODYSTRUCTURE, both in one walk, so that they can't disagree.
// Iterative, and linear in the size of the tree: the pieces are collected and joined once. Called by analyse-message.

import { type ContentFields, isText } from './content-fields.ts';
import type { Budget } from './limits.ts';
import type { Parameter } from './parameters.ts';
import type { Entity } from './part-tree.ts';
import { wireString, wireStringOrNil } from './wire-strings.ts';

export interface StructureSource {
  root: Entity;
  /** Line ends in the bodies of text and message/rfc822 entities. */
  lines: ReadonlyMap<Entity, number>;
  /** ENVELOPE values of the messages inside message/rfc822 parts. */
  envelopes: ReadonlyMap<Entity, string>;
}

/** Text for both values, text for BODYSTRUCTURE only, or an entity whose pieces come here. */
type Piece = string | { extension: string } | Entity;

const NO_ENVELOPE = '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)';

export function bodyStructures(source: StructureSource, budget: Budget): { body: string; bodyStructure: string } {
  const body: string[] = [];
  const bodyStructure: string[] = [];
  const waiting: Piece[] = [source.root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string') {
      body.push(next);
      bodyStructure.push(next);
    } else if ('extension' in next) bodyStructure.push(next.extension);
    else {
      const pieces = next.kind === 'multipart' ? multipart(next, budget) : single(source, next, budget);
      for (const piece of pieces.reverse()) waiting.push(piece);
    }
  }
  return { body: body.join(''), bodyStructure: bodyStructure.join('') };
}

/** RFC 9051 section 9 body-type-mpart. */
function multipart({ content, children }: Entity, budget: Budget): Piece[] {
  const extension = ` ${parametersWire(content.parameters, 1, budget)}${commonExtension(content, budget)}`;
  return ['(', ...children, ` ${wireString(content.subtype)}`, { extension }, ')'];
}

/** RFC 9051 section 9 body-type-1part. */
function single({ lines, envelopes }: StructureSource, entity: Entity, budget: Budget): Piece[] {
  const { content, kind } = entity;
  const fields = [
    wireString(content.type),
    wireString(content.subtype),
    parametersWire(content.parameters, 2, budget),
    wireStringOrNil(content.id, budget, 2),
    wireStringOrNil(content.description, budget, 2),
    wireString(content.encoding),
    String(entity.bodyEnd - entity.bodyStart),
  ].join(' ');
  const extension = ` ${wireStringOrNil(content.md5, budget)}${commonExtension(content, budget)}`;
  const [message] = entity.children;
  const specific: Piece[] = [];
  if (kind === 'message' && message) specific.push(` ${envelopes.get(message) ?? NO_ENVELOPE} `, message);
  if (kind === 'message' || isText(content)) specific.push(` ${lines.get(entity) ?? 0}`);
  return [`(${fields}`, ...specific, { extension }, ')'];
}

/** Disposition, language and location, each with a space before it. */
function commonExtension(content: ContentFields, budget: Budget): string {
  const { disposition, languages, location } = content;
  const dispositionWire = disposition
    ? `(${wireString(disposition.type)} ${parametersWire(disposition.parameters, 1, budget)})`
    : 'NIL';
  const languageWire = languages.length > 0 ? `(${languages.map(wireString).join(' ')})` : 'NIL';
  return ` ${dispositionWire} ${languageWire} ${wireStringOrNil(location, budget)}`;
}

function parametersWire(parameters: readonly Parameter[], copies: number, budget: Budget): string {
  const wire = parameters.map(({ name, value }) => `${wireString(name)} ${wireString(value)}`).join(' ');
  return wire !== '' && budget.spendWire(wire.length * copies) ? `(${wire})` : 'NIL';
}
