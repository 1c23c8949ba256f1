// The IMAP shell: the only file that works with imap-core (imap-core-modules.ts loads it), of which it uses the listening, the
// finding of tag and command, the strict order of commands and the counting of errors. Every command is ours; so are parser,
// input, output and TLS, for the reasons that stand in their files. imap-core's files are never edited: what has to differ is
// replaced here, at run time, once per process. The rest of Lazaretto sees createImapShell alone.

import type { AddressInfo, Socket } from 'node:net';
import { directClient, proxiedClients } from '../net/proxied-client.ts';
import type { Client } from '../net/proxied-client.ts';
import type { Log } from '../quarantine/ports.ts';
import type { ImapConnection, SelectedMailbox } from './command.ts';
import type { ParsedLine } from './arguments.ts';
import { parseLine } from './arguments.ts';
import type { Dispatcher } from './command-loop.ts';
import { CommandLoop } from './command-loop.ts';
import { Connection } from './connection.ts';
import { commands, errors, handler, IMAPCommand, IMAPConnection, IMAPServer } from './imap-core-modules.ts';
import type { CoreCommand, CoreMessage, CoreServer } from './imap-core-types.ts';
import { perform } from './perform.ts';
import type { ShellOptions } from './shell-options.ts';
import { ShellState } from './shell-state.ts';
import type { Certificate } from './tls-context.ts';

export interface ImapListener {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: 'implicit' | 'starttls';
  /** Networks of the balancers that connect here, each time with a PROXY header. Absent: mail programs connect by themselves. */
  readonly trustedProxies?: readonly string[];
}

export interface ImapShell<S extends SelectedMailbox = SelectedMailbox> {
  /** May be called several times. Resolves when connections are accepted; rejects when the port cannot be had. */
  listen(listener: ImapListener): Promise<AddressInfo>;
  /** For new connections; throws, and keeps the former ones, when a certificate is no good. */
  setCertificates(certificates: readonly Certificate[]): void;
  /** Those that have been greeted and are not yet closed. */
  readonly connections: ReadonlySet<ImapConnection<S>>;
  /** Lets running commands finish for a moment, says BYE with the reason, and resolves when nothing is left open. */
  close(reason: string): Promise<void>;
}

/** imap-core reports some problems to the process, not to a server: they go to the log of the newest shell. */
let processLog: Log | null = null;

// imap-core's reports hold whole command lines, with passwords in them. Their one harmless part is the short text, which
// quotes errors only, and ours never quote the client.
function report(log: Log | null, message: CoreMessage): void {
  log?.debug({ event: 'connection', problem: String(message.short_message) }, 'imap-core reports a problem');
}

errors.setGelf({ emit: (_channel: string, message: CoreMessage) => report(processLog, message) });

handler.parser = (payload, { literals }) => {
  const line = parseLine(payload, literals);
  // Without `attributes` imap-core has nothing to check, and nothing to write out once more for its log.
  return { tag: line.tag, command: line.command, line };
};

// Its Map of commands is private, but holds these modules: replacing their members replaces every command.
for (const command of commands) {
  delete command.state;
  command.schema = false;
  command.disableNotifications = true;
  command.handler = function (parsed, _answer, next) {
    if (this instanceof CoreSide) this.perform(parsed.tag, parsed.line, next);
  };
}

/** What imap-core counts in it nobody asks for: one for all connections. */
const session = { commandCounters: {} };

/** imap-core's view of a connection: everything that it would do to the socket by itself goes to our connection. */
class CoreSide extends IMAPConnection implements Dispatcher {
  readonly #perform: (tag: string, line: ParsedLine) => Promise<boolean>;
  readonly #client: { write(bytes: string): Promise<void>; close(): void };
  #command: CoreCommand | null = null;
  #finished: (() => void) | null = null;

  /** `perform` answers the command; false means that it was a bad one. */
  constructor(
    server: CoreServer,
    socket: Socket,
    client: { readonly id: string; write(bytes: string): Promise<void>; close(): void },
    perform: (tag: string, line: ParsedLine) => Promise<boolean>,
  ) {
    super(server, socket, { id: client.id });
    this.#client = client;
    this.#perform = perform;
    // Its two ways out overtake each other when the client reads slowly. Both lead into our one.
    this.writeStream?.unpipe(socket);
    // What nobody uses is several kilobytes for each session.
    this.writeStream = null;
    this._parser = null;
    this.session = session;
  }

  dispatch(text: string, literals: readonly Buffer[]): Promise<void> {
    return new Promise((resolve) => {
      const finished = (): void => {
        // A message that was uploaded must not stay in memory until the next command.
        this.#command = null;
        this.#finished = null;
        resolve();
      };
      this.#finished = finished;
      this.#command = new IMAPCommand(this);
      // Literals are complete before imap-core sees the command: it would limit them to 1 kB and copy them several times.
      this.#command.literals = literals;
      this._currentCommand = this.#command;
      this._onCommand({ value: text, final: true }, finished);
    });
  }

  countBadCommand(): void {
    new IMAPCommand(this).countBadResponses();
  }

  perform(tag: string, line: ParsedLine, next: () => void): void {
    // countBadResponses says goodbye to the client that made one error too many; the next command never comes.
    const proceed = (good: boolean) => (good || this.#command?.countBadResponses() === true ? next() : undefined);
    this.#perform(tag, line).then(proceed, () => this.close());
  }

  override send(payload: string): void {
    // It repeats what it did not understand, however long.
    this.#client.write(`${payload.slice(0, 500)}\r\n`).catch(() => undefined);
  }

  override close(): void {
    this.#client.close();
    this.#finished?.();
  }

  // Sessions tell their changes by themselves (selected.ts).
  override setupNotificationListener(): void {}
  override clearNotificationListener(): void {}
  override emitNotifications(): void {}
}

/** What the connections of one listener have in common. */
interface Accepting {
  readonly server: CoreServer;
  readonly implicitTls: boolean;
  readonly clientOf: (socket: Socket) => Promise<Client | null>;
}

/** Throws when a certificate is missing or no good, or when two commands have the same name. */
export function createImapShell<S extends SelectedMailbox = SelectedMailbox>(options: ShellOptions<S>): ImapShell<S> {
  const state = new ShellState(options);
  const { log } = options;
  const toLog = (message: CoreMessage): void => report(log, message);
  const servers = new Set<CoreServer>();
  const sockets = new Set<Socket>();
  const connections = new Set<Connection<S>>();
  let closing = false;
  processLog = log;

  async function accept({ server, implicitTls, clientOf }: Accepting, socket: Socket, id: string): Promise<void> {
    // imap-core has switched on probes every second after 5 s of silence: phones would never sleep, and a tunnel of 15 s
    // would cost the connection. IDLE and our deadlines find dead clients, too.
    socket.setKeepAlive(false);
    const client = await clientOf(socket);
    if (client === null || socket.destroyed) return;
    const remoteAddress = client.address;
    let secured: Socket = socket;
    try {
      if (implicitTls) secured = await state.contexts.secure(socket, state.deadlines.handshakeMs);
    } catch (error) {
      log.debug({ event: 'connection', remoteAddress, connection: id, err: error }, 'IMAP TLS handshake failed');
      return;
    }
    const connection = new Connection(state, secured, { id, remoteAddress, secure: implicitTls });
    sockets.delete(socket);
    connections.add(connection);
    options.meter?.set('imapSessions', connections.size);
    connection.onClose(() => {
      connections.delete(connection);
      options.meter?.set('imapSessions', connections.size);
    });
    const loop = new CommandLoop(state, connection);
    const core = new CoreSide(server, secured, connection, async (tag, line) =>
      loop.answer(tag, await perform(state, connection, line)),
    );
    core.loggelf = toLog;
    const admission = closing ? { refuse: 'The server is being shut down' } : options.admit?.(remoteAddress);
    // Not awaited: what is in this function's hands would be kept for as long as the session lasts.
    void loop.serve(core, admission !== undefined && 'refuse' in admission ? admission.refuse : null);
  }

  function listen({ address, port, tls, trustedProxies }: ImapListener): Promise<AddressInfo> {
    const clientOf =
      trustedProxies === undefined
        ? (socket: Socket) => Promise.resolve(directClient(socket))
        : proxiedClients({ trustedProxies, log });
    // `needsUpgrade` keeps imap-core from starting TLS by itself. The options also go to net.createServer: without noDelay
    // every small answer takes 40 ms, and with allowHalfOpen commands that were sent before hanging up are still answered.
    const server = new IMAPServer({
      secure: tls === 'implicit',
      needsUpgrade: true,
      noDelay: true,
      allowHalfOpen: true,
      logger: false,
    });
    servers.add(server);
    server.loggelf = toLog;
    server.server.maxConnections = state.limits.connections;
    server.server.on('connection', (socket) => {
      // From the first moment: a client that resets the connection at once would otherwise end the process.
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
      sockets.add(socket);
    });
    server.connect = (socket, { id }) => {
      accept({ server, implicitTls: tls === 'implicit', clientOf }, socket, id).catch((error: unknown) => {
        log.error({ event: 'connection', err: error }, 'IMAP connection could not be served');
        socket.destroy();
      });
    };
    return new Promise((resolve, reject) => {
      server.on('error', (error: Error) => {
        log.error({ event: 'connection', err: error }, 'IMAP listener failed');
        reject(error);
      });
      server.server.listen(port, address, () => resolve(server.server.address() as AddressInfo));
    });
  }

  async function close(reason: string): Promise<void> {
    closing = true;
    const closed = [...servers].map(({ server }) => new Promise((resolve) => server.close(resolve)));
    for (const socket of sockets) socket.destroy();
    const left = [...connections].map((connection) => new Promise<void>((resolve) => connection.onClose(resolve)));
    for (const connection of connections) connection.shutDown(reason);
    await Promise.all([...closed, ...left]);
    if (processLog === log) processLog = null;
  }

  return { listen, close, connections, setCertificates: (certificates) => state.setCertificates(certificates) };
}
