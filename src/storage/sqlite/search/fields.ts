// What of a message stands in the index, each under a number. They are stored in this order, so that a search in one field looks at little,
// and header and body, which TEXT searches together, are neighbours. A change of the list is a new version of the index (index-file.ts).
import { keptFields } from '../../../quarantine/search/message-text.ts';

export const headerField = keptFields.length;
export const bodyField = headerField + 1;

/** -1 for a field that the index knows only as a part of the header. */
export function numberOfField(name: string): number {
  return keptFields.indexOf(name);
}
