// Every sentence that the quarantine says to people, in one place. Mail programs show them as they stand, often with nothing around them,
// so each is whole, says what happened or why not, and what would be accepted. No host names, no internals.
import type { DropFolder, ViewFolder } from './folder.ts';
import type { Role } from './scope.ts';

export function count(n: number, noun = 'message'): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** `A`, `A and B`, `A, B and C`. */
export function enumerate(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? '';
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

function accepted(drop: DropFolder): string {
  const from = `messages from ${enumerate(drop.accepts.from)}`;
  return drop.accepts.append === 'any' ? `${from} and mail from your own mailbox` : from;
}

export const refusals = {
  wrongSource: (drop: DropFolder, source: ViewFolder): string =>
    source.alreadyDelivered && drop.then.some((effect) => 'deliver' in effect)
      ? `Messages in ${source.mailbox} were already delivered. ${drop.mailbox} accepts ${accepted(drop)}.`
      : `${drop.mailbox} does not accept messages from ${source.mailbox}. It accepts ${accepted(drop)}.`,
  notice: (): string =>
    'This is a notice of the quarantine, not mail, so there is nothing to do with it here. You may read and delete it.',
  view: (view: ViewFolder, drops: readonly string[]): string =>
    `${view.mailbox} shows what the quarantine holds; nothing can be put into it. Drag messages to ${enumerate(drops)}.`,
  noWayBack: (drop: DropFolder): string =>
    `What was dragged to ${drop.mailbox} was done at once and cannot be taken back. Ask your administrator if you need the message again.`,
  category: (category: string, allowed: readonly Role[]): string =>
    `This message was quarantined as ${category} and may not be released by this login. ${mayAsk(allowed)}`,
  outgoing: (allowed: readonly Role[]): string => `Outgoing mail may not be released by this login. ${mayAsk(allowed)}`,
  noSuchFolder: (): string => 'There is no such folder here. The folders of the quarantine are fixed.',
  fixedFolders: (): string => 'The folders of the quarantine are fixed: none can be made, renamed or deleted.',
  exists: (): string => 'This folder is always here.',
  notHeld: (drop: DropFolder): string =>
    `This message is not in the quarantine, so it cannot be released. ${drop.mailbox} accepts ${accepted(drop)}.`,
  noLongerHeld: (): string =>
    'This message is no longer in the quarantine: it was deleted or has expired. Ask your administrator to restore it.',
  severalOwners: (drop: DropFolder): string =>
    `This message is held for several recipients, so it is not clear whose copy is meant. Drag it to ${drop.mailbox} from ${enumerate(drop.accepts.from)}.`,
  appendNotAccepted: (drop: DropFolder): string =>
    `${drop.mailbox} accepts ${accepted(drop)}, but no mail from elsewhere.`,
  emptyAppend: (): string => 'An empty message cannot be put here.',
  tooBig: (maxBytes: number): string => `Messages up to ${Math.floor(maxBytes / 1_000_000)} MB are accepted.`,
  dropNotReadable: (drop: DropFolder): string =>
    `${drop.mailbox} cannot be opened: drag messages into it. ${drop.purpose}`,
  tooManyFlags: (max: number): string => `A message can carry ${max} flags and tags at most.`,
  readOnly: (): string => 'The folder was opened read-only, so nothing can be moved out of it or changed in it.',
  /** Every refused message of a drag, told once each. */
  someRefused: (done: number, verb: string, reasons: ReadonlyMap<string, number>): string => {
    const refused = [...reasons.values()].reduce((sum, n) => sum + n, 0);
    const told = [...reasons].map(([reason, n]) => (refused > 1 ? `${n}: ${reason}` : reason)).join(' ');
    return `${count(done)} of ${done + refused} ${verb}, ${refused} refused. ${told}`;
  },
  noneDone: (total: number, reasons: ReadonlyMap<string, number>): string => {
    if (total === 1) return [...reasons.keys()].join(' ');
    const refused = [...reasons.values()].reduce((sum, n) => sum + n, 0);
    const told = [...reasons].map(([reason, n]) => (reasons.size > 1 ? `${n}: ${reason}` : reason)).join(' ');
    return refused === total
      ? `None of ${count(total)} was accepted. ${told}`
      : `Nothing was done, because ${refused} of ${count(total)} cannot be accepted. ${told}`;
  },
  stillHeld: (id: string): string => `Message ${id} is still in its folder; there is nothing to restore.`,
  contentGone: (id: string): string => `Message ${id} can no longer be restored: the undo period is over.`,
  deliveryPending: (id: string): string =>
    `Message ${id} is being delivered. Cancel the delivery first (jobs cancel ${id}).`,
  deliveryParked: (id: string): string =>
    `The delivery of message ${id} is parked since the store was put back from a backup: it may have been made before. ` +
    `"jobs retry ${id}" makes it now, "jobs cancel ${id}" gives it up.`,
  notThere: (id: string): string => `There is no message ${id}.`,
  removedAlready: (id: string): string => `Message ${id} is no longer held. Restore it first (message restore ${id}).`,
  noJob: (id: string): string => `Message ${id} has no job that is due.`,
  allAccepted: (id: string): string =>
    `All recipients of message ${id} have accepted it already. Use --again to deliver it to all of them once more.`,
} as const;

function mayAsk(allowed: readonly Role[]): string {
  const names: Record<Role, string> = {
    user: 'the recipient',
    domain: 'the administrator of the domain',
    global: 'the administrator of the quarantine',
  };
  return allowed.length ? `Ask ${allowed.map((role) => names[role]).join(' or ')}.` : 'Nobody may release it.';
}

/** What a drop did, for the tagged OK. */
export interface DropTally {
  /** Messages that took part. */
  total: number;
  deliveries: number;
  reports: number;
  /** Messages that left the login's view without a delivery or a report being part of the folder's purpose. */
  deleted: number;
  /** Orders that had been given before, or that teach nothing. */
  nothing: number;
}

export function dropSentence(drop: DropFolder, tally: DropTally): string {
  if (!tally.total) return 'No messages';
  const verdict = drop.then.flatMap((effect) => ('report' in effect ? [effect.report] : []))[0];
  const parts: string[] = [];
  if (tally.deliveries) parts.push(`${count(tally.deliveries)} will be delivered`);
  if (tally.reports)
    parts.push(`${count(tally.reports)} will be reported as ${verdict === 'ham' ? 'not spam' : 'spam'}`);
  if (!drop.then.some((effect) => 'deliver' in effect || 'report' in effect)) {
    return tally.deleted
      ? `${count(tally.deleted)} deleted`
      : 'Nothing was changed: only moving a message here deletes it';
  }
  if (parts.length) return parts.join(', ');
  return drop.then.some((effect) => 'deliver' in effect)
    ? `Nothing more to do: ${count(tally.nothing)} had been released before`
    : `Nothing to report: the filter already knows ${count(tally.nothing)} as ${verdict === 'ham' ? 'not spam' : 'spam'}`;
}
