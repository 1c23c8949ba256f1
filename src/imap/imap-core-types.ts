// The part of imap-core (@zone-eu/wildduck 1.51.1, which has no types) that we rely on, as we found it in its code. The
// contract test checks that each of these exists. Types only, for imap-core.ts.

import type { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import type { Transform } from 'node:stream';
import type { ParsedLine } from './arguments.ts';

export interface CoreMessage {
  readonly short_message?: unknown;
}

/** One per listener: accepts sockets, gives each an id, and calls `connect`. */
export interface CoreServer extends EventEmitter {
  readonly server: Server;
  connect(socket: Socket, options: { id: string }): void;
  loggelf(message: CoreMessage): void;
}

export interface CoreConnection {
  readonly id: string;
  readonly remoteAddress: string;
  /** Where it would write answers to; ours never do. */
  writeStream: Transform | null;
  /** Where it would read from, had it been told to. */
  _parser: object | null;
  session: { commandCounters: Record<string, number> };
  _currentCommand: CoreCommand | false;
  /** Hands over a line; `callback` is called when the next one may come, and never after a BYE. */
  _onCommand(command: { value: string; final: true }, callback: () => void): void;
  send(payload: string): void;
  close(): void;
  setupNotificationListener(): void;
  clearNotificationListener(): void;
  emitNotifications(): void;
  loggelf(message: CoreMessage): void;
}

/** One per command: finds tag and name, calls the parser and then the handler of its module. */
export interface CoreCommand {
  literals: readonly Buffer[];
  /** False when the client has made too many errors; it has then been told so, and `close` follows. */
  countBadResponses(): boolean;
}

/** What the parser that we put in place of imap-core's gives it, and what it gives our handler. */
export interface CoreParsed {
  readonly tag: string;
  readonly command: string;
  readonly line: ParsedLine;
}

export interface CoreCommandModule {
  state?: undefined;
  schema: false;
  disableNotifications: true;
  handler(this: CoreConnection, parsed: CoreParsed, callback: () => void, next: () => void): void;
}

export interface CoreHandler {
  parser(payload: string, options: { literals: readonly Buffer[] }): CoreParsed;
}

export interface CoreModules {
  readonly IMAPServer: new (options: object) => CoreServer;
  readonly IMAPConnection: new (server: CoreServer, socket: Socket, options: { id: string }) => CoreConnection;
  readonly IMAPCommand: new (connection: CoreConnection) => CoreCommand;
}
