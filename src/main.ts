// Wiring only: settings → storage → listeners → workers. Decides nothing. Called by the command line (serve, demo) and by tests and scripts
// that run a whole server; each says what it wants to replace.
import { openAccounts } from './accounts/open-accounts.ts';
import { openCertificates } from './certificates.ts';
import type { Certificates, CurrentCertificates } from './certificates.ts';
import { createImapShell } from './imap/imap-core.ts';
import type { ImapShell } from './imap/imap-core.ts';
import { mailboxCommands } from './imap/mailbox-commands.ts';
import type { OpenMailbox } from './imap/selected.ts';
import type { Certificate } from './imap/tls-context.ts';
import { receivingBytesFor } from './intake/limits.ts';
import { openIntake } from './intake/listener.ts';
import type { Intake } from './intake/listener.ts';
import { createReceiveBudget } from './intake/receive-budget.ts';
import { openQuarantine } from './open-quarantine.ts';
import type { Log } from './quarantine/ports.ts';
import type { Quarantine } from './quarantine/quarantine.ts';
import { startSweeper } from './queue/sweeper.ts';
import { startWorker } from './queue/worker.ts';
import type { Worker, WorkerOptions } from './queue/worker.ts';
import type { Settings } from './settings.ts';
import { buildReportTargets } from './targets/report-targets.ts';
import { SmtpTarget } from './targets/smtp.ts';
import { version } from './version.ts';

export interface Listening {
  name: 'IMAPS' | 'IMAP' | 'LMTP' | 'SMTP';
  address: string;
  port: number;
  /** Which folder an intake fills. */
  folder?: string;
}

export interface RunningServer {
  listening: readonly Listening[];
  worker: Worker | null;
  /** Stops accepting, says BYE, finishes what is under way (bounded), gives leases back. May be called twice. */
  close(): Promise<void>;
}

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
  targets?: WorkerOptions['targets'];
  worker?: Partial<WorkerOptions>;
}

/** Serves a quarantine that is open already; closing the server leaves it open. */
export async function startServer(
  settings: Settings,
  quarantine: Quarantine,
  parts: ServerParts = {},
): Promise<RunningServer> {
  const { log } = quarantine;
  const stops: Stops = [];
  const listening: Listening[] = [];
  let worker: Worker | null = null;
  let closed: Promise<void> | null = null;
  async function close(): Promise<void> {
    for (const stop of stops.reverse()) {
      await Promise.resolve()
        .then(stop)
        .catch((error: unknown) => log.error({ err: error }, 'a part of the server did not stop cleanly'));
    }
    log.info({ event: 'stopped' }, 'stopped');
  }
  try {
    // In the order of a message's way back: workers first, so that doors open only when everything behind them runs.
    if (settings.roles.includes('worker')) {
      worker = startWork(settings, quarantine, parts, stops);
    }
    const needsTls = settings.roles.includes('imap') || settings.roles.includes('intake');
    if (needsTls) {
      const certificates = await openCertificates(settings.tls, {
        dataDir: settings.dataDir,
        hostname: settings.hostname,
        log,
      });
      stops.push(() => certificates.close());
      if (settings.roles.includes('imap'))
        listening.push(...(await openImap(settings, quarantine, certificates, stops)));
      if (settings.roles.includes('intake'))
        listening.push(...(await openDoors(settings, quarantine, certificates, stops)));
    }
    log.info({ event: 'started', version, roles: settings.roles, listening }, `Lazaretto ${version} is ready`);
  } catch (error) {
    await close();
    throw error;
  }
  return { listening, worker, close: () => (closed ??= close()) };
}

type Stops = (() => Promise<void> | void)[];

function startWork(settings: Settings, quarantine: Quarantine, parts: ServerParts, stops: Stops): Worker {
  const targets = parts.targets ?? {
    delivery: new SmtpTarget({
      onUnexpectedError: (error) =>
        quarantine.log.error({ event: 'delivery', err: error }, 'a delivery met an error of ours'),
    }),
    reports: buildReportTargets(settings.training),
    outgoing: settings.delivery.outgoing,
  };
  stops.push(async () => {
    await Promise.all([targets.delivery.close(), ...targets.reports.map((target) => target.close())]);
  });
  const worker = startWorker({ quarantine, targets, ...parts.worker });
  stops.push(() => worker.close());
  const sweeper = startSweeper(quarantine);
  stops.push(() => sweeper.close());
  return worker;
}

async function openImap(
  settings: Settings,
  quarantine: Quarantine,
  certificates: Certificates,
  stops: Stops,
): Promise<Listening[]> {
  const accounts = openAccounts(quarantine);
  const shell: ImapShell<OpenMailbox> = createImapShell({
    commands: mailboxCommands({ quarantine, dropFolders: settings.imap.dropFolders }),
    certificates: imapCertificates(certificates.current()),
    authenticate: (attempt) => accounts.authenticate(attempt),
    log: quarantine.log,
    version,
    maxMessageBytes: settings.limits.messageBytes,
    limits: { connectionsPerLogin: settings.limits.connectionsPerLogin },
  });
  stops.push(() => shell.close('The quarantine is stopping. Please connect again later.'));
  stops.push(certificates.onChange((current) => shell.setCertificates(imapCertificates(current))));
  const listening: Listening[] = [];
  for (const { address, port, tls } of settings.imap.listen) {
    const bound = await shell.listen(address, port, tls);
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
  stops: Stops,
): Promise<Listening[]> {
  const budget = createReceiveBudget(receivingBytesFor(settings.limits.messageBytes));
  const listening: Listening[] = [];
  for (const { protocol, address, port, folder, allow } of settings.intake) {
    const door: Intake = await openIntake(
      {
        protocol,
        address,
        port,
        view: folder,
        hostname: settings.hostname,
        allow,
        tls: certificates.current().default,
        budget,
      },
      quarantine,
    );
    stops.push(() => door.close());
    stops.push(certificates.onChange((current) => door.setCertificates(current.default)));
    listening.push({ name: protocol === 'lmtp' ? 'LMTP' : 'SMTP', address, port: door.port, folder });
  }
  return listening;
}
