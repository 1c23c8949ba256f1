// Writes strings as IMAP values. Text comes in and goes out as binary strings, so nothing is ever re-encoded.
// Must keep to the budget of the message: what does not fit any more becomes NIL. Called by envelope and body structure.

import type { Budget } from './limits.ts';

// RFC 9051 section 9, quoted: 7-bit characters but CR, LF and NUL; everything else needs a literal.
const needsLiteral = /[\0\r\n\x80-\xff]/;

export function wireString(text: string): string {
  if (needsLiteral.test(text)) return `{${text.length}}\r\n${text}`;
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
}

/** NIL for null, and for text that the budget has no room for; `copies` says how many wire strings will hold it. */
export function wireStringOrNil(text: string | null, budget: Budget, copies = 1): string {
  if (text === null) return 'NIL';
  const wire = wireString(text);
  return budget.spendWire(wire.length * copies) ? wire : 'NIL';
}
