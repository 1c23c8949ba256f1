// Messages with their flags as the port hands them out: numbers in typed arrays, each combination of flags once. Used by every driver.
import type { FlaggedUids } from '../quarantine/ports.ts';

/** Combinations of flags by the JSON text that a driver reads, each parsed once. */
export class FlagTable {
  readonly sets: string[][] = [];
  readonly #places = new Map<string, number>();

  /** @param json a list of flags */
  place(json: string): number {
    let place = this.#places.get(json);
    if (place === undefined) {
      place = this.sets.push(JSON.parse(json) as string[]) - 1;
      this.#places.set(json, place);
    }
    return place;
  }
}

/** @param messages ascending by UID; `flags` is the JSON text of a list */
export function flaggedUids(messages: readonly { uid: number; flags: string }[]): FlaggedUids {
  const table = new FlagTable();
  return {
    uids: Uint32Array.from(messages, ({ uid }) => uid),
    flags: Uint32Array.from(messages, ({ flags }) => table.place(flags)),
    flagSets: table.sets,
  };
}
