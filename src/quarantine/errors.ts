// The three kinds of "no" that everything in Lazaretto speaks. Each edge translates them in one file of its own (STYLE section 5);
// anything that is not one of these is a bug of ours and is treated as temporary. The text is shown to people as it stands: it
// never holds host names, paths or SQL. What lies underneath travels in `cause` and is logged once, at the edge.

/** Response codes of RFC 5530 (and RFC 7889's TOOBIG) that a refusal may carry. */
export type RefusalCode =
  'CANNOT' | 'NOPERM' | 'ALREADYEXISTS' | 'NONEXISTENT' | 'OVERQUOTA' | 'LIMIT' | 'TOOBIG' | 'EXPUNGEISSUED';

/** The person may not do this, now or ever; trying again without a change is useless. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** Try again later: a store, a far end or a limit was out of reach just now. */
export class TemporaryError extends Error {
  constructor(text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = 'TemporaryError';
  }
}

/** It never will: the far end or the thing itself said so. */
export class PermanentError extends Error {
  constructor(text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = 'PermanentError';
  }
}

/** A commit was based on a revision that is no longer the stored one: read again, decide again. Never leaves the domain. */
export class StaleError extends Error {
  constructor(text = 'the message was changed meanwhile', options?: ErrorOptions) {
    super(text, options);
    this.name = 'StaleError';
  }
}
