// What the load saw from outside: everything that was handed in, ordered and told, for counts.ts to judge.
export interface Handed {
  subject: string;
  /** When 250 was read; null: unanswered, so it may or may not be there. */
  acceptedAt: number | null;
  /** Of the message that came of it. */
  id: string | null;
}

export interface Order {
  subject: string;
  drop: string;
  /** Answered OK, and the answer named the message. */
  answered: boolean;
}

/** An arrival that a session in IDLE was told of. */
export interface Told {
  subject: string;
  at: number;
  /** Address of the session, which the process logged with its login. */
  session: string;
}

export interface Journal {
  handed: Handed[];
  orders: Order[];
  told: Told[];
  expunges: number;
  /** Sessions that ended because their process did: with a BYE, or without. */
  byes: number;
  cuts: number;
  /** What no session may ever be told. */
  wrong: string[];
  /** Who waited for an answer that did not come, on a connection that was not cut (patience.ts). */
  unanswered: string[];
}

export function openJournal(): Journal {
  return { handed: [], orders: [], told: [], expunges: 0, byes: 0, cuts: 0, wrong: [], unanswered: [] };
}

let lastAddress = 0;

/** A loopback address that no other client has: behind the balancer it tells clients apart. */
export function ownAddress(): string {
  lastAddress++;
  return `127.1.${lastAddress >> 8}.${lastAddress & 0xff || 256 - 1}`;
}
