// All limits of the doors, with their reasons. A limit protects the process from one client; none of them may lose mail: what is over a
// limit is refused or deferred in the protocol's own words, so that the sending server still has it.
// Used by everything in this folder.

/**
 * RFC 5321 section 4.5.3.1.8: a server must take at least 100. Each recipient becomes a message of its own in one write, and a client
 * that has more sends the rest in a second transaction.
 */
export const maxRecipients = 1000;

/** RFC 5321 section 4.5.3.1.4 asks for 512 octets; RFC 6531 and long VERP addresses need more. */
export const maxCommandLineBytes = 4096;

/** RFC 5321 section 4.5.3.1.3 asks for 256 octets. VERP and SRS senders are longer, and mail is not lost for its sender. */
export const maxPathBytes = 1000;

/** RFC 5321 section 4.5.3.2.7: a server waits at least five minutes for the client. */
export const idleTimeoutMs = 5 * 60_000;

/**
 * How long a closing listener lets the transactions that are under way come to their end. Mail servers send a message within a second;
 * who takes longer sends it again. main.ts gives the time that the whole server has.
 */
export const closeGraceMs = 6_000;

/** A mail server opens about 20 to one destination; each connection costs little while no message is arriving. */
export const defaultMaxClients = 200;

const megabyte = 1024 * 1024;

/**
 * Bytes of messages that may be arriving at one moment, over all connections that share a budget: room for four of the largest, so that
 * fifty clients with 50 MB each are deferred instead of exhausting the memory.
 */
export function receivingBytesFor(maxMessageBytes: number): number {
  return Math.max(4 * maxMessageBytes, 64 * megabyte);
}

/** Files are read in pieces of this size. */
export const readBytes = 256 * 1024;

/** A `From ` line of an mbox is never longer; the begin of a longer line decides what it is, so that a 5 GB line takes no memory. */
export const maxFromLineBytes = 4096;

/** Imports are stored this many at a time, because the store commits in one go what comes in together. */
export const importsAtOnce = 16;

/** And no more than this many bytes at a time, unless one message alone is larger. */
export const importBytesAtOnce = 32 * megabyte;

/** An import ends when the store refused this many messages one after the other: it would refuse the rest as well. */
export const importTroubleLimit = 3;
