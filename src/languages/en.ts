// English: everything that people read in their mail programs. What each sentence is for stands in src/quarantine/sentences.ts.
import { delivers, verdictOf } from '../quarantine/folder.ts';
import type { DropFolder } from '../quarantine/folder.ts';
import type { Role } from '../quarantine/scope.ts';
import { purposeOf, sizeText } from '../quarantine/sentences.ts';
import type { DropTally, Sentences } from '../quarantine/sentences.ts';

// British: `A, B and C`.
const and = new Intl.ListFormat('en-GB', { type: 'conjunction' });
const or = new Intl.ListFormat('en-GB', { type: 'disjunction' });

const folders = {
  INBOX: 'Notices of the quarantine itself, such as this one.',
  Caught: 'Incoming mail that the spam filter held back. Look here for mail that you miss; it expires by itself.',
  'Caught (Outgoing)': 'Outgoing mail that the spam filter held back. It expires by itself.',
  'Training Requested':
    'Copies of mail that was delivered although the filter was unsure. Drag them to Spam or Not Spam to teach it.',
  Release: 'Drag a message here to have it delivered to its recipients.',
  'Release & Train': 'Drag a message here to have it delivered, and to teach the filter that it is not spam.',
  'Not Spam': 'Drag a message here to teach the filter that it is not spam. It is not delivered.',
  Spam: 'Drag spam here, also from your own inbox, to teach the filter. It is not delivered.',
  Trash: 'Move a message here to delete it. The filter learns nothing from that.',
};

const refusals: Sentences['refusals'] = {
  wrongSource: (drop, source) =>
    source.alreadyDelivered && delivers(drop)
      ? `Messages in ${source.mailbox} were already delivered. ${accepted(drop)}`
      : `${drop.mailbox} does not accept messages from ${source.mailbox}. ${accepted(drop)}`,
  notice: () => 'This is a notice of the quarantine, not mail. You may read and delete it, nothing else.',
  view: (view, drops) =>
    `${view.mailbox} shows what the quarantine holds, so nothing can be put into it. Drag messages to ${or.format(drops)}.`,
  noWayBack: (drop) =>
    `What was dragged to ${drop.mailbox} was done at once and cannot be taken back. Ask your administrator if you need the message again.`,
  category: (category, allowed) =>
    `Messages that were quarantined as ${category} may not be released with this login. ${mayAsk(allowed)}`,
  outgoing: (allowed) => `Outgoing mail may not be released with this login. ${mayAsk(allowed)}`,
  noSuchFolder: () => 'There is no such folder here, and none can be made: the folders of the quarantine are fixed.',
  switchedOff: ({ mailbox, specialUse }) =>
    `The folder ${mailbox} is switched off in this quarantine.` +
    (specialUse === '\\Trash' ? ' Let your mail program mark messages as deleted instead of moving them.' : ''),
  fixedFolders: () => 'The folders of the quarantine are fixed: none can be made, renamed or deleted.',
  exists: () => 'This folder is here already, as it always is.',
  notHeld: (drop) => `This message is not in the quarantine, so it cannot be released. ${accepted(drop)}`,
  noLongerHeld: () =>
    'This message is no longer in the quarantine: it was reported, was deleted or has expired. Ask your administrator to restore it.',
  severalMeant: (drop) =>
    `The quarantine knows several messages that this one may be, so it is not clear which is meant. Drag it from ${or.format(drop.accepts.from)} to ${drop.mailbox}.`,
  appendNotAccepted: (drop) => `Mail from elsewhere cannot be put into ${drop.mailbox}. ${accepted(drop)}`,
  emptyAppend: () => 'This message is empty. Only messages with content are accepted.',
  tooBig: (maxBytes) => `This message is too large: messages of up to ${sizeText(maxBytes)} are accepted.`,
  dropNotReadable: (drop) =>
    `${drop.mailbox} cannot be opened, because nothing is kept in it. ${purposeOf({ folders }, drop)}`,
  tooManyFlags: (max) => `A message can carry ${max} flags and tags at most. Remove some before you add others.`,
  tooManyCopied: (max) =>
    `At most ${max} messages can be copied at once. Copy fewer, or move them: any number can be moved.`,
  readOnly: () => 'The folder was opened for reading only, so nothing can be changed in it or moved out of it.',
  searchTooLong: () =>
    'This search takes too long: it has to read too many messages. Search for sender, subject or date as well, or in the subject alone.',
  someRefused: (done, refused, reasons) =>
    `${done} ${count(refused)} ${refused === 1 ? 'stays where it is' : 'stay where they are'}. ${because(reasons)}`,
  noneDone: (all, refused, reasons) => {
    if (all === 1) return because(reasons);
    return refused === all
      ? `None of the ${all} messages was accepted. ${because(reasons)}`
      : `Nothing was done, because ${refused} of the ${all} messages cannot be accepted. ${because(reasons)}`;
  },
};

const sessions: Sentences['sessions'] = {
  wrongPassword: 'The user name or the password is wrong.',
  tooManyWrongPasswords: (seconds) => {
    const minutes = Math.ceil(seconds / 60);
    const wait =
      seconds < 60 ? `${seconds} second${seconds === 1 ? '' : 's'}` : minutes === 1 ? 'a minute' : `${minutes} minutes`;
    return `Too many wrong passwords came from your network. Please wait ${wait} and try again.`;
  },
  passwordsCannotBeChecked: 'Passwords cannot be checked right now. Please try again in a few minutes.',
  tooManyConnections: 'There are too many connections of this login. Close a mail program and try again.',
  passwordInClear: 'Please switch on TLS (STARTTLS): passwords are not accepted in clear.',
  endings: {
    wrongPasswords: 'Too many wrong passwords. Please connect again.',
    loginTooSlow: 'The login took too long. Please connect again.',
    silence: 'Nothing was heard from your mail program for a long time. It may connect again.',
    stopping: 'The quarantine is stopping. Please connect again later.',
    renumbered: 'The messages of this folder were numbered anew. Please connect again.',
    switchedOn: 'The quarantine was switched on. Please connect again.',
  },
};

const english: Sentences = {
  tag: 'en',
  folders,
  refusals,
  sessions,
  dropped,
  noMessages: 'These messages are no longer here, so nothing was done.',
  sender: 'Quarantine',
  profile: (address) =>
    `Adds the quarantine of ${address} to Mail, where caught messages can be looked through and released. Nothing can be sent with this account.`,
  failureNotice: ({ subject, sender, refused, accepted: taken, messageId }) => ({
    subject: `Release failed: ${subject || '(no subject)'}`,
    lines: [
      `The release of ${subject ? `"${subject}"` : 'a message without a subject'} failed.`,
      '',
      `From: ${sender || '<> (a bounce)'}`,
      ...refused.flatMap(({ address, reply }) => [
        '',
        ...(reply === null
          ? [`It could not be delivered to ${address}. The other server said nothing.`]
          : [`It could not be delivered to ${address}. The other server said:`, '', `    ${reply}`]),
      ]),
      '',
      ...(taken.length ? [`It was delivered to ${taken.join(', ')}.`, ''] : []),
      'The message is back in its folder, unread. Drag it to Release to try again; only recipients that have not received it',
      'will get it.',
      '',
      `Message ${messageId}`,
    ],
  }),
  helpNotice: {
    subject: 'How this quarantine works',
    opening: (login) =>
      `This account (${login}) shows the mail that the spam filter held back. You say what is to be done with a message by dragging it into a folder. The folders are:`,
    closing: (drops) => [
      `${and.format(drops)} keep nothing: what you drag there is done at once. When something cannot be done, you are told why, and the message stays where it is.`,
      'The quarantine itself wrote this message, and only this once. Delete it when you no longer need it.',
    ],
  },
};

export default english;

function dropped(drop: DropFolder, tally: DropTally): string {
  const { total, deliveries, reports, deleted, nothing } = tally;
  if (!total) return english.noMessages;
  const verdict = verdictOf(drop);
  if (!delivers(drop) && !verdict) {
    return deleted
      ? `${count(deleted)} ${was(deleted)} deleted.`
      : `Nothing was deleted: ${drop.mailbox} deletes what is moved there, not what is copied.`;
  }
  const delivered = `${count(deliveries)} will be delivered to ${deliveries === 1 ? 'its' : 'their'} recipients`;
  const reported = `reported as ${verdict === 'ham' ? 'not spam' : 'spam'}`;
  const parts: string[] = [];
  const areTheSame = deliveries === reports && deliveries + nothing === total;
  if (deliveries && areTheSame) parts.push(`${delivered} and ${reported}.`);
  else {
    if (deliveries) parts.push(`${delivered}.`);
    if (reports) parts.push(`${count(reports)} will be ${reported}.`);
  }
  if (nothing) {
    parts.push(
      delivers(drop)
        ? `${count(nothing)} had been released before, so nothing more is done.`
        : `${count(nothing)} ${was(nothing)} known to be ${verdict === 'ham' ? 'no spam' : 'spam'} already, so nothing is reported.`,
    );
  }
  return parts.join(' ');
}

function accepted(drop: DropFolder): string {
  const from = `messages from ${and.format(drop.accepts.from)}`;
  return `${drop.mailbox} accepts ${from}${drop.accepts.append === 'any' ? ', and mail from your own mailbox' : ''}.`;
}

function mayAsk(allowed: readonly Role[]): string {
  const names: Record<Role, string> = {
    user: 'the recipient',
    domain: 'the administrator of the domain',
    global: 'the administrator of the quarantine',
  };
  return allowed.length ? `Ask ${or.format(allowed.map((role) => names[role]))}.` : 'Nobody may release such mail.';
}

/** Several reasons are told with how many messages each is for. */
function because(reasons: ReadonlyMap<string, number>): string {
  return [...reasons].map(([reason, n]) => (reasons.size > 1 ? `For ${count(n)}: ${reason}` : reason)).join(' ');
}

function count(n: number): string {
  return `${n} message${n === 1 ? '' : 's'}`;
}

function was(n: number): string {
  return n === 1 ? 'was' : 'were';
}
