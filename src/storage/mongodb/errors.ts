// Turns the driver's errors into the domain's. No text for people holds a host name or a query; that travels in `cause`.
import { MongoError, MongoServerError } from 'mongodb';
import { TemporaryError } from '../../quarantine/errors.ts';

const unreachable = 'The quarantine cannot reach its stored mail just now. Please try again later.';

/** Server error code of a second document with the same `_id`. */
export const duplicateKey = 11000;

/** Everything that the server or the way to it says may pass: a new primary, a repaired disk, an administrator. */
export function fromMongo(error: unknown): unknown {
  return error instanceof MongoError || isOfTheSystem(error)
    ? new TemporaryError(unreachable, { cause: error })
    : error;
}

/** EPIPE and the like: writing to a connection that has just ended is the one trouble that the driver neither names its own nor repeats. */
function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^E[A-Z]+$/.test(error.code);
}

export function isDuplicate(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === duplicateKey;
}
