// Gives the parts of a message the numbers by which IMAP asks for them. Called by analyse-message; the numbers go into the
// part list, the attachment list and nowhere else.

import type { Entity } from './part-tree.ts';

export interface NumberedPart {
  path: string;
  entity: Entity;
}

/**
 * RFC 9051 section 6.4.5.1: the parts of a multipart count from 1; a message that is no multipart has the one part 1;
 * the same holds for a message inside a message/rfc822 part, below that part's number. A multipart that is all of a
 * message has no number of its own.
 */
export function numberParts(root: Entity): NumberedPart[] {
  const numbered: NumberedPart[] = [];
  // The last element comes next, so children are pushed backwards; depth is bounded by data, hence no recursion.
  const waiting: NumberedPart[] = wholeMessage(root, '');
  for (let part = waiting.pop(); part; part = waiting.pop()) {
    numbered.push(part);
    const { entity, path } = part;
    const [message] = entity.kind === 'message' ? entity.children : [];
    const below = message ? wholeMessage(message, `${path}.`) : partsOf(entity, `${path}.`);
    for (const child of below) waiting.push(child);
  }
  return numbered;
}

function wholeMessage(message: Entity, prefix: string): NumberedPart[] {
  return message.kind === 'multipart' ? partsOf(message, prefix) : [{ path: `${prefix}1`, entity: message }];
}

function partsOf(multipart: Entity, prefix: string): NumberedPart[] {
  return multipart.kind === 'multipart'
    ? multipart.children.map((entity, index) => ({ path: `${prefix}${index + 1}`, entity })).reverse()
    : [];
}
