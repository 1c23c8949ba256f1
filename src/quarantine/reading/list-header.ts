// The header fields that mail programs list: what Thunderbird asks for when it opens a folder, word for word. Selected
// once, at intake, so that listing a folder reads no content. Called by analyse-message; the IMAP edge compares its
// requests with the list.

import { FieldNames } from './header-fields.ts';
import type { Budget } from './limits.ts';
import { selectHeaderFields, selectedHeaderLength } from './select-header-fields.ts';

export const LIST_HEADER_FIELDS: readonly string[] = [
  'From',
  'To',
  'Cc',
  'Bcc',
  'Subject',
  'Date',
  'Message-ID',
  'Priority',
  'X-Priority',
  'References',
  'Newsgroups',
  'In-Reply-To',
  'Content-Type',
  'Reply-To',
  'Received',
];

const listNames = new FieldNames(LIST_HEADER_FIELDS);

/** A binary string; null when it is more than the budget allows. Never cut: half a header would be a wrong answer. */
export function readListHeader(raw: Buffer, headerBytes: number, budget: Budget): string | null {
  const selection = { start: 0, end: headerBytes, names: listNames };
  const fits = budget.spendWire(selectedHeaderLength(raw, selection));
  return fits ? selectHeaderFields(raw, selection).toString('latin1') : null;
}
