// What an administrator does to single messages from the command line, beside a running server: release, train, delete, restore.
// The rights of logins do not apply; every rule that protects mail does.
import { isParked } from './claims.ts';
import { commandRefusals } from './command-refusals.ts';
import { Refusal } from './errors.ts';
import type { Verdict } from './job.ts';
import type { Message } from './message.ts';
import {
  comeBack,
  isReleased,
  isReported,
  openRecipients,
  orderDelivery,
  orderReport,
  removeForAll,
} from './orders.ts';
import type { OrderOrigin } from './orders.ts';
import type { Quarantine } from './quarantine.ts';
import { repeatWhileStale } from './repeat-while-stale.ts';

/**
 * Orders the delivery of a held message; it stays in its view, marked as released. `again` delivers to all recipients once more.
 * Durable when it resolves. Answers the message; unchanged when the order stood already.
 * @throws Refusal also where `again` would have to wait: some have accepted, and the delivery to the others goes on
 */
export async function releaseByOperator(
  quarantine: Quarantine,
  id: string,
  options: { again: boolean },
): Promise<Message> {
  return change(quarantine, id, (message, origin) => {
    const view = quarantine.folders.showing(message.view);
    if (!view) throw new Refusal('CANNOT', commandRefusals.notThere(id));
    if (view.shows === 'notices') throw new Refusal('CANNOT', commandRefusals.notice(id));
    if (view.alreadyDelivered && !options.again) throw new Refusal('CANNOT', commandRefusals.alreadyDelivered(id));
    if (message.removed) throw new Refusal('CANNOT', commandRefusals.removedAlready(id));
    if (isParked(message.delivery)) {
      // An order that is repeated (by a mail program, too) is no go; what it takes is said here.
      if (!options.again) throw new Refusal('CANNOT', commandRefusals.deliveryParked(id));
      return orderDelivery(message, origin, true);
    }
    const accepted = message.delivery?.recipients.some(({ state }) => state === 'accepted');
    if (message.delivery?.state === 'due' && options.again && accepted)
      throw new Refusal('CANNOT', commandRefusals.deliveryPending(id));
    if (message.delivery?.state === 'due') return message;
    if (options.again) return orderDelivery(message, origin, true);
    if (isReleased(message)) return message;
    if (!openRecipients(message).length) throw new Refusal('CANNOT', commandRefusals.allAccepted(id));
    return orderDelivery(message, origin);
  });
}

/**
 * Reports a message to the filter, held or not, as long as its content is there. The same verdict again adds nothing.
 * @throws Refusal
 */
export async function reportByOperator(quarantine: Quarantine, id: string, verdict: Verdict): Promise<Message> {
  return change(quarantine, id, (message, origin) => {
    if (message.view === 'notices') throw new Refusal('CANNOT', commandRefusals.notice(id));
    if (isReported(message, verdict)) return message;
    if (message.contentReleased) throw new Refusal('CANNOT', commandRefusals.contentGone(id));
    return orderReport(message, verdict, quarantine.policy.reportTargets, origin);
  });
}

/** Takes a message out of its view for everybody; it can be restored within the undo period. */
export async function deleteByOperator(quarantine: Quarantine, id: string): Promise<Message> {
  return change(quarantine, id, (message, origin) => removeForAll(message, 'deleted', origin.by, origin.now));
}

/**
 * Brings back what left its view: a new holding for everybody entitled.
 * @throws Refusal when it never left, when its content is gone, or while a delivery is due
 */
export async function restoreMessage(quarantine: Quarantine, id: string): Promise<Message> {
  return change(quarantine, id, (message, origin) => {
    if (message.view === 'reports') throw new Refusal('CANNOT', commandRefusals.notThere(id));
    if (message.contentReleased) throw new Refusal('CANNOT', commandRefusals.contentGone(id));
    if (isParked(message.delivery)) throw new Refusal('CANNOT', commandRefusals.deliveryParked(id));
    if (message.delivery?.state === 'due') throw new Refusal('CANNOT', commandRefusals.deliveryPending(id));
    const back = comeBack(message, origin.now);
    if (message.visibleTo.length >= back.visibleTo.length) throw new Refusal('CANNOT', commandRefusals.stillHeld(id));
    return back;
  });
}

async function change(
  quarantine: Quarantine,
  id: string,
  decide: (message: Message, origin: OrderOrigin) => Message,
): Promise<Message> {
  return repeatWhileStale(async () => {
    const found = await quarantine.storage.worker.get(id);
    if (!found) throw new Refusal('NONEXISTENT', commandRefusals.notThere(id));
    const after = decide(found, { by: 'cli', cause: 'CLI', now: quarantine.clock.now() });
    if (after === found) return found;
    const { messages } = await quarantine.storage.commit([{ before: found, after }]);
    quarantine.log.info({ event: 'operator', message: id }, 'message changed from the command line');
    return messages[0] ?? after;
  });
}
