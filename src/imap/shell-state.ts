// What all connections of one shell share: commands, certificates, limits, deadlines, and who is logged in how often.
// Made by imap-core.ts.

import { loginName } from '../quarantine/scope.ts';
import type { Answer, CommandCall, CommandDefinition, ImapConnection, Login, SelectedMailbox } from './command.ts';
import type { ProtocolConnection, Waiting } from './protocol-command.ts';
import { protocolCommands } from './protocol-commands.ts';
import type { ShellDeadlines, ShellLimits, ShellOptions } from './shell-options.ts';
import { defaultDeadlines, defaultLimits } from './shell-options.ts';
import type { Certificate } from './tls-context.ts';
import { TlsContexts } from './tls-context.ts';

/** A command of either kind. */
export interface ShellCommand<S extends SelectedMailbox> extends Omit<CommandDefinition<S>, 'handle'> {
  readonly handle: (connection: ImapConnection<S> & ProtocolConnection, call: CommandCall) => Promise<Answer | Waiting>;
}

export class ShellState<S extends SelectedMailbox> {
  readonly options: ShellOptions<S>;
  readonly limits: ShellLimits;
  readonly deadlines: ShellDeadlines;
  readonly commands: ReadonlyMap<string, ShellCommand<S>>;
  contexts: TlsContexts;
  readonly #logins = new Map<string, number>();

  constructor(options: ShellOptions<S>) {
    this.options = options;
    this.limits = { ...defaultLimits, ...options.limits };
    this.deadlines = { ...defaultDeadlines, ...options.deadlines };
    this.contexts = new TlsContexts(options.certificates);
    const commands = new Map<string, ShellCommand<S>>();
    for (const command of [...options.commands, ...protocolCommands]) {
      for (const name of command.names) {
        if (commands.has(name)) throw new Error(`IMAP command ${name} is defined twice`);
        commands.set(name, command);
      }
    }
    this.commands = commands;
  }

  /** Throws, and leaves everything as it was, when a certificate is no good. */
  setCertificates(certificates: readonly Certificate[]): void {
    this.contexts = new TlsContexts(certificates);
  }

  /** False when the login has as many connections as it may have. */
  enter(login: Login): boolean {
    const name = loginName(login.scope);
    const count = this.#logins.get(name) ?? 0;
    if (count >= this.limits.connectionsPerLogin) return false;
    this.#logins.set(name, count + 1);
    return true;
  }

  leave(login: Login): void {
    const name = loginName(login.scope);
    const count = this.#logins.get(name) ?? 0;
    if (count > 1) this.#logins.set(name, count - 1);
    else this.#logins.delete(name);
  }
}
