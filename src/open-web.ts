// Wiring of what every process serves over HTTP, whatever its roles: health and metrics, and how mail programs connect. Gives main.ts the
// quarantine with a meter in it, which is what everything else of the process has to be started with. Decides nothing. Called by main.ts.
import type { Certificates } from './certificates.ts';
import type { Quarantine } from './quarantine/quarantine.ts';
import type { Worker } from './queue/worker.ts';
import type { Settings } from './settings.ts';
import { meteredStorage } from './storage/metered.ts';
import { version } from './version.ts';
import { certificateCheck, storeCheck, workerCheck } from './web/checks.ts';
import { addCertificateGauge, addHealthGauge, addStoreGauges } from './web/gauges.ts';
import type { ImapServer } from './web/connect/connect.ts';
import { createHealth } from './web/health.ts';
import { createMetrics } from './web/metrics.ts';
import { openHttp } from './web/server.ts';

export interface Web {
  /** Like the one that was given; counts and times what is done with it. */
  quarantine: Quarantine;
  listening: { name: 'HTTP'; address: string; port: number };
  /** Tells mail programs where to connect, best first. Until it is called, and in a process without IMAP, they are told nothing. */
  announceImap(servers: readonly ImapServer[]): void;
  watchWorker(worker: Pick<Worker, 'msSinceLook'>): void;
  watchCertificates(certificates: Pick<Certificates, 'validity'>): void;
  /** From now on the process is ready. */
  started(): void;
  /** From now on it is not, while it finishes what is under way. */
  stopping(): void;
  close(): Promise<void>;
}

/** Resolves when it listens. */
export async function openWeb(settings: Pick<Settings, 'http'>, given: Quarantine): Promise<Web> {
  const metrics = createMetrics(version);
  const quarantine: Quarantine = { ...given, storage: meteredStorage(given.storage, metrics), meter: metrics };
  const health = createHealth();
  health.add(storeCheck(quarantine));
  addStoreGauges(metrics.registry, quarantine);
  addHealthGauge(metrics.registry, health);
  const { log, sentences } = quarantine;
  let imapServers: readonly ImapServer[] = [];
  const connect = { imapServers: () => imapServers, shown: sentences };
  const { address, port, close } = await openHttp({ ...settings.http, health, metrics, connect, log });
  return {
    quarantine,
    listening: { name: 'HTTP', address, port },
    announceImap: (servers) => void (imapServers = servers),
    watchWorker: (worker) => health.add(workerCheck(() => worker.msSinceLook())),
    watchCertificates(certificates) {
      health.add(certificateCheck(() => certificates.validity()));
      addCertificateGauge(metrics.registry, () => Math.min(...certificates.validity().map(({ validTo }) => validTo)));
    },
    started: () => health.started(),
    stopping: () => health.stopping(),
    close,
  };
}
