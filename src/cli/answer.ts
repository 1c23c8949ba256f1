// Answers of commands, on stdout: for people, or with --json for scripts. Nothing else writes there.

/** Waits until the reader took it, so that a large answer is not held in memory. */
export async function writeOut(chunk: string | Uint8Array): Promise<void> {
  if (process.stdout.write(chunk)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}

/** Control characters from mail are escaped: JSON itself would leave those above U+007F to the terminal. */
export function asJson(value: unknown): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value, null, 2).replace(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, escape);
}

/** ISO 8601 in UTC, for scripts. */
export function jsonDate(ms: number): string;
export function jsonDate(ms: number | null | undefined): string | null;
export function jsonDate(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : new Date(ms).toISOString();
}
