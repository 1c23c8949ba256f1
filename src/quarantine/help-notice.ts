// The help that a login finds in its INBOX when it comes for the first time: which folders it has and what dragging a message there does, in
// the language of the settings. Written once in the life of an account, also for those that were there before. Called by src/accounts after
// a right password.
import { createHash } from 'node:crypto';
import { escapeMarkup } from './markup.ts';
import { insertNotice } from './notice.ts';
import type { AccountRecord } from './ports.ts';
import type { Quarantine } from './quarantine.ts';
import { loginName, scopeOfLogin } from './scope.ts';
import type { Scope } from './scope.ts';
import { purposeOf } from './sentences.ts';

/**
 * Does nothing for an account that was greeted before. Durable when it resolves; may be called by any number of processes at once, and
 * again after a failure: the notice's id follows from the account, and what was deleted is not written again.
 */
export async function greet(quarantine: Quarantine, account: AccountRecord): Promise<void> {
  const { storage, domains, clock } = quarantine;
  const scope = scopeOfLogin(account.name);
  // Who sees nothing yet is greeted when the quarantine is switched on.
  if (account.greetedAt !== undefined || !domains.isSeenBy(scope)) return;
  const now = clock.now();
  const id = helpId(account);
  await insertNotice(quarantine, { id, scope, name: id, ...helpText(quarantine, scope) }, now);
  await storage.accounts.markGreeted(account, now);
}

/** An account that was removed and made anew is somebody else's. It sorts as if it had arrived with the account. */
function helpId({ name, createdAt }: AccountRecord): string {
  const digest = createHash('sha256').update(name).digest('hex');
  return `${createdAt.toString(16).padStart(12, '0')}${digest.slice(0, 18)}-help`;
}

function helpText(
  { folders, sentences }: Quarantine,
  scope: Scope,
): { subject: string; text: string[]; html: string[] } {
  const listed = folders.listFor(scope.role);
  const rows = listed
    .filter((folder) => folder.kind === 'drop' || folder.shows !== 'notices')
    .map((folder) => ({ name: folder.mailbox, purpose: purposeOf(sentences, folder) }));
  const { subject, opening, closing } = sentences.helpNotice;
  const first = opening(loginName(scope));
  const last = closing(listed.filter(({ kind }) => kind === 'drop').map(({ mailbox }) => mailbox));
  const paragraph = (text: string): string => `<p>${escapeMarkup(text)}</p>`;
  return {
    subject,
    text: [first, '', ...rows.map(({ name, purpose }) => `${name}: ${purpose}`), ...last.flatMap((line) => ['', line])],
    html: [
      '<!DOCTYPE html>',
      `<html lang="${sentences.tag}">`,
      `<head><meta charset="utf-8"><title>${escapeMarkup(subject)}</title></head>`,
      '<body>',
      paragraph(first),
      '<table>',
      ...rows.map(
        ({ name, purpose }) =>
          `<tr><th align="left" valign="top" nowrap>${escapeMarkup(name)}</th><td>${escapeMarkup(purpose)}</td></tr>`,
      ),
      '</table>',
      ...last.map(paragraph),
      '</body>',
      '</html>',
    ],
  };
}
