// Wiring only: settings → storage → listeners → workers. Decides nothing. Called by the command line (serve, demo) and by tests and scripts
// that run a whole server; each says what it wants to replace.
import type { AccountsOptions } from './accounts/accounts.ts';
import { openAccounts } from './accounts/open-accounts.ts';
import { openCertificates } from './certificates.ts';
import type { Certificates, CurrentCertificates } from './certificates.ts';
import { createImapShell } from './imap/imap-core.ts';
import type { ImapShell } from './imap/imap-core.ts';
import { mailboxCommands } from './imap/mailbox-commands.ts';
import type { OpenMailbox } from './imap/selected.ts';
import type { Certificate } from './imap/tls-context.ts';
import { imapServers } from './imap-servers.ts';
import { receivingBytesFor } from './intake/limits.ts';
import { openIntake } from './intake/listener.ts';
import type { Intake } from './intake/listener.ts';
import { createReceiveBudget } from './intake/receive-budget.ts';
import { openQuarantine } from './open-quarantine.ts';
import { openWeb } from './open-web.ts';
import type { Log } from './quarantine/ports.ts';
import type { Quarantine } from './quarantine/quarantine.ts';
import { settleRestore } from './quarantine/restored.ts';
import { startSweeper } from './queue/sweeper.ts';
import { startWorker } from './queue/worker.ts';
import type { Worker, WorkerOptions } from './queue/worker.ts';
import type { Settings } from './settings.ts';
import { buildReportTargets } from './targets/report-targets.ts';
import { SmtpTarget } from './targets/smtp.ts';
import { version } from './version.ts';

export interface Listening {
  name: 'IMAPS' | 'IMAP' | 'LMTP' | 'SMTP' | 'HTTP';
  address: string;
  port: number;
  /** Which folder an intake fills. */
  folder?: string;
}

export interface RunningServer {
  listening: readonly Listening[];
  worker: Worker | null;
  /** Stops accepting at once, finishes what is under way (bounded), says BYE, gives leases back. May be called twice. */
  close(): Promise<void>;
}

/**
 * How long what is under way may take to end: a command of a mail program, a message that is arriving, a delivery. All of them side by
 * side, and little comes after it, so that the whole fits into the 10 s that `docker stop` waits before it kills (Kubernetes 30 s, systemd
 * 90 s). Each of them takes well below a second where nobody stalls; what takes longer loses nothing: mail that was not answered is sent
 * again, and a delivery is given back for another process to make.
 */
const defaultDrainMs = 6_000;

/** Opens the quarantine of the settings and serves it. */
export async function serve(settings: Settings, log: Log): Promise<RunningServer> {
  const opened = await openQuarantine(settings, { log });
  try {
    const server = await startServer(settings, opened.quarantine);
    return {
      ...server,
      async close() {
        await server.close();
        await opened.close();
      },
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Replaces parts of the wiring, for tests. */
export interface ServerParts {
  accounts?: AccountsOptions;
  targets?: WorkerOptions['targets'];
  worker?: Partial<WorkerOptions>;
  drainMs?: number;
}

/** Serves a quarantine that is open already; closing the server leaves it open. */
export async function startServer(
  settings: Settings,
  given: Quarantine,
  parts: ServerParts = {},
): Promise<RunningServer> {
  // First, so that whoever watches the process sees it start, and last to go, so that they see it end.
  const web = await openWeb(settings, given);
  const { quarantine } = web;
  const { log } = quarantine;
  const ending: Ending = { drainMs: parts.drainMs ?? defaultDrainMs, drains: [], releases: [() => web.close()] };
  const listening: Listening[] = [];
  let worker: Worker | null = null;
  let closed: Promise<void> | null = null;
  async function end(stop: () => Promise<void> | void): Promise<void> {
    try {
      await stop();
    } catch (error) {
      log.error({ event: 'stopped', err: error }, 'a part of the server did not stop cleanly');
    }
  }
  async function close(): Promise<void> {
    web.stopping();
    log.info({ event: 'stopping' }, 'stopping: nothing new is accepted, and what is under way is finished');
    // Each begins at once: a balancer must see that no door is open any more, however long a delivery still takes.
    await Promise.all(ending.drains.map(end));
    for (const release of ending.releases.reverse()) await end(release);
    log.info({ event: 'stopped' }, 'stopped');
  }
  try {
    await settleRestore(quarantine);
    // In the order of a message's way back: workers first, so that doors open only when everything behind them runs.
    if (settings.roles.includes('worker')) {
      worker = startWork(settings, quarantine, parts, ending);
      web.watchWorker(worker);
    }
    const needsTls = settings.roles.includes('imap') || settings.roles.includes('intake');
    if (needsTls) {
      const certificates = await openCertificates(settings.tls, {
        dataDir: settings.dataDir,
        hostname: settings.hostname,
        log,
      });
      ending.releases.push(() => certificates.close());
      web.watchCertificates(certificates);
      if (settings.roles.includes('imap')) {
        const imap = await openImap(settings, quarantine, certificates, { ending, accounts: parts.accounts });
        listening.push(...imap);
        web.announceImap(imapServers(settings, imap));
      }
      if (settings.roles.includes('intake'))
        listening.push(...(await openDoors(settings, quarantine, certificates, ending)));
    }
    listening.push(web.listening);
    web.started();
    log.info({ event: 'started', version, roles: settings.roles, listening }, `Lazaretto ${version} is ready`);
  } catch (error) {
    await close();
    throw error;
  }
  return { listening, worker, close: () => (closed ??= close()) };
}

/** How the parts end: all `drains` at the same time, each within `drainMs`, then the `releases`, the last one first. */
interface Ending {
  readonly drainMs: number;
  readonly drains: (() => Promise<void>)[];
  readonly releases: (() => Promise<void> | void)[];
}

function startWork(settings: Settings, quarantine: Quarantine, parts: ServerParts, ending: Ending): Worker {
  const targets = parts.targets ?? {
    delivery: new SmtpTarget({
      onUnexpectedError: (error) =>
        quarantine.log.error({ event: 'worker', err: error }, 'a delivery met an error of ours'),
    }),
    reports: buildReportTargets(settings.training),
    outgoing: settings.delivery.outgoing,
  };
  ending.releases.push(async () => {
    await Promise.all([targets.delivery.close(), ...targets.reports.map((target) => target.close())]);
  });
  const worker = startWorker({ quarantine, targets, ...parts.worker });
  ending.drains.push(() => worker.close(ending.drainMs));
  const sweeper = startSweeper(quarantine);
  ending.drains.push(() => sweeper.close());
  return worker;
}

async function openImap(
  settings: Settings,
  quarantine: Quarantine,
  certificates: Certificates,
  { ending, accounts: accountsOptions }: { ending: Ending; accounts: AccountsOptions | undefined },
): Promise<Listening[]> {
  // Mail programs alone search.
  ending.releases.push(await quarantine.storage.upkeep.startIndexing());
  const accounts = openAccounts(quarantine, accountsOptions);
  const shell: ImapShell<OpenMailbox> = createImapShell({
    commands: mailboxCommands({ quarantine, dropFolders: settings.imap.dropFolders }),
    certificates: imapCertificates(certificates.current()),
    authenticate: (attempt) => accounts.authenticate(attempt),
    log: quarantine.log,
    sentences: quarantine.sentences.sessions,
    ...(quarantine.meter ? { meter: quarantine.meter } : {}),
    version,
    maxMessageBytes: settings.limits.messageBytes,
    limits: { connectionsPerLogin: settings.limits.connectionsPerLogin },
    deadlines: { drainMs: ending.drainMs },
  });
  ending.drains.push(() => shell.close(quarantine.sentences.sessions.endings.stopping));
  ending.releases.push(certificates.onChange((current) => shell.setCertificates(imapCertificates(current))));
  const listening: Listening[] = [];
  for (const { address, port, tls, proxyProtocol } of settings.imap.listen) {
    const proxied = proxyProtocol ? { trustedProxies: settings.trustedProxies } : {};
    const bound = await shell.listen({ address, port, tls, ...proxied });
    listening.push({ name: tls === 'implicit' ? 'IMAPS' : 'IMAP', address, port: bound.port });
  }
  return listening;
}

function imapCertificates({ default: fallback, byHost }: CurrentCertificates): Certificate[] {
  return [fallback, ...[...byHost].map(([host, pair]) => ({ ...pair, hosts: [host] }))];
}

async function openDoors(
  settings: Settings,
  quarantine: Quarantine,
  certificates: Certificates,
  ending: Ending,
): Promise<Listening[]> {
  const budget = createReceiveBudget(receivingBytesFor(settings.limits.messageBytes));
  const listening: Listening[] = [];
  for (const { protocol, address, port, folder, allow, proxyProtocol } of settings.intake) {
    const door: Intake = await openIntake(
      {
        protocol,
        address,
        port,
        view: folder,
        hostname: settings.hostname,
        allow,
        ...(proxyProtocol ? { trustedProxies: settings.trustedProxies } : {}),
        tls: certificates.current().default,
        budget,
        closeGraceMs: ending.drainMs,
      },
      quarantine,
    );
    ending.drains.push(() => door.close());
    ending.releases.push(certificates.onChange((current) => door.setCertificates(current.default)));
    listening.push({ name: protocol === 'lmtp' ? 'LMTP' : 'SMTP', address, port: door.port, folder });
  }
  return listening;
}
