// The one header line that a released copy carries: it makes a repeated delivery recognisable, and our own mail coming back a loop.
// Its value is stable for one order, however often the delivery is tried.

export const traceHeaderName = 'X-Lazaretto-Release';

/** `message id . holding`, with `. repetition` where the operator ordered it again, and who released it. */
export function traceOf(
  { id, holding, delivery }: { id: string; holding: number; delivery?: { repetition?: number } | null },
  hostname: string,
): string {
  const repetition = delivery?.repetition ? `.${delivery.repetition}` : '';
  return `${id}.${holding}${repetition} by ${hostname}`;
}

/**
 * Whether the header says that this very quarantine released the message before. Another organisation's Lazaretto may well have
 * released it: that is no loop.
 */
export function findOwnTrace(raw: Buffer, headerBytes: number, hostname: string): boolean {
  const name = `${traceHeaderName}:`.toLowerCase();
  const owner = ` by ${hostname}`.toLowerCase();
  for (let start = 0; start < headerBytes;) {
    const newline = raw.indexOf(0x0a, start);
    const end = newline < 0 || newline > headerBytes ? headerBytes : newline;
    // Our line is short; a longer one is somebody else's.
    const line = raw
      .toString('latin1', start, Math.min(end, start + 500))
      .trimEnd()
      .toLowerCase();
    if (line.startsWith(name) && line.endsWith(owner)) return true;
    start = end + 1;
  }
  return false;
}
