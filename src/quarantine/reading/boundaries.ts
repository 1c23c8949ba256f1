// The boundaries of the multiparts that are open, as one tree of bytes: a line is compared with all of them in a single
// walk along its own bytes, so that a hundred open boundaries cost no more than one. Called by part-tree.

export interface BoundaryMatch {
  /** The multipart whose boundary it is, as given to `open`. */
  level: number;
  /** RFC 2046 section 5.1.1: "--" after the boundary ends the multipart. */
  closing: boolean;
  /** Position after the boundary. */
  end: number;
}

interface Candidate {
  level: number;
  end: number;
}

const DASH = 45;

export class Boundaries {
  /** node * 256 + byte → node; node 0 is the root. */
  readonly #steps = new Map<number, number>();
  /** node → levels of the boundaries that end there; the innermost is the last. */
  readonly #ends = new Map<number, number[]>();
  readonly #opened: { steps: number[]; node: number }[] = [];
  #nodes = 0;

  get none(): boolean {
    return this.#opened.length === 0;
  }

  /** Boundaries are opened and closed like brackets. */
  open(boundary: string, level: number): void {
    const steps: number[] = [];
    let node = 0;
    for (let i = 0; i < boundary.length; i++) {
      const step = node * 256 + boundary.charCodeAt(i);
      let next = this.#steps.get(step);
      if (next === undefined) {
        next = ++this.#nodes;
        this.#steps.set(step, next);
        steps.push(step);
      }
      node = next;
    }
    const levels = this.#ends.get(node);
    if (levels) levels.push(level);
    else this.#ends.set(node, [level]);
    this.#opened.push({ steps, node });
  }

  close(): void {
    const last = this.#opened.pop();
    if (!last) return;
    for (const step of last.steps) this.#steps.delete(step);
    const levels = this.#ends.get(last.node);
    levels?.pop();
    if (levels?.length === 0) this.#ends.delete(last.node);
  }

  /**
   * The boundary that a line holds after its "--" at `at`.
   * RFC 2046 section 5.1.1: the line need only begin with it. Among several the longest is meant (one may be the
   * beginning of another), among equal ones the innermost.
   */
  match(raw: Buffer, at: number): BoundaryMatch | null {
    let best: Candidate | null = null;
    let shorter: Candidate | null = null;
    let node: number | undefined = 0;
    for (let end = at; end < raw.length;) {
      node = this.#steps.get(node * 256 + (raw[end] ?? 0));
      if (node === undefined) break;
      end++;
      const level = this.#ends.get(node)?.at(-1);
      if (level === undefined) continue;
      if (best && best.end === end - 2) shorter = best;
      best = { level, end };
    }
    if (!best) return null;
    // "--foo--" closes foo, unless a multipart inside of it is called "foo--".
    if (shorter && shorter.end === best.end - 2 && shorter.level > best.level && twoDashes(raw, shorter.end)) {
      return { ...shorter, closing: true };
    }
    return { ...best, closing: twoDashes(raw, best.end) };
  }
}

function twoDashes(raw: Buffer, at: number): boolean {
  return raw[at] === DASH && raw[at + 1] === DASH;
}
