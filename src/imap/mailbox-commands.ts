// All commands that deal with mailboxes and messages, for whoever starts the shell. One command per file; this is only the list.
import { append } from './append.ts';
import type { CommandDefinition } from './command.ts';
import { CommitWatch } from './commit-watch.ts';
import type { ImapEnvironment } from './environment.ts';
import { expunge } from './expunge.ts';
import { fetch } from './fetch.ts';
import { create, remove, subscribe } from './folder-commands.ts';
import { list } from './list.ts';
import { move } from './move.ts';
import { search } from './search.ts';
import { select } from './select.ts';
import type { OpenMailbox } from './selected.ts';
import { status } from './status.ts';
import { store } from './store.ts';

export function mailboxCommands(options: Omit<ImapEnvironment, 'commits'>): CommandDefinition<OpenMailbox>[] {
  const environment = { ...options, commits: new CommitWatch(options.quarantine.storage) };
  return [list, create, remove, subscribe, select, status, fetch, search, store, expunge, move, append].map((command) =>
    command(environment),
  );
}
