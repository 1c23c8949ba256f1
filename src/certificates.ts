// The certificates that listeners serve: those of the settings, or one of our own making. They are checked at start, watched, and
// loaded again when the files change; a broken new pair never replaces a working one, because mail programs that meet a bad certificate
// tell their people that they are under attack. Opens no connection. Called by main.ts, which hands the result to the listeners.
import { stat } from 'node:fs/promises';
import { ensureOwnCertificate } from './certificates/own.ts';
import { CertificateError, loadPair } from './certificates/pair.ts';
import type { CertificatePair, LoadedPair } from './certificates/pair.ts';
import type { Log } from './quarantine/ports.ts';

const dayMs = 86_400_000;
const pollMs = 5_000;
const warnDays = 14;

export interface CurrentCertificates {
  /** For clients that ask for no name, or for one that nobody serves. */
  default: CertificatePair;
  /** By host name in lower case, or `*.example.com`. */
  byHost: Map<string, CertificatePair>;
}

export interface Certificates {
  /** The same object until something changed. */
  current(): CurrentCertificates;
  /** For the host name that a client asks for (SNI), in any case, with or without a final dot. */
  forHost(host: string | undefined): CertificatePair;
  /** Called with the new state after each change; new connections should be served with it. Returns how to stop. */
  onChange(listener: (certificates: CurrentCertificates) => void): () => void;
  /** How each of those that are served stands with its dates. */
  validity(): readonly Validity[];
  /** Stops watching; the certificates stay usable. */
  close(): void;
}

export interface Validity {
  /** `ends soon`: within two weeks. */
  state: 'valid' | 'not yet valid' | 'ends soon' | 'expired';
  /** Milliseconds since the epoch. */
  validTo: number;
  /** Self-signed by us; we make a new one when it ends. */
  isOwn: boolean;
}

/** `tls` of the settings; empty: the server's own certificate. */
export type TlsSettings = readonly { cert: string; key: string; hosts?: readonly string[] }[];

export interface CertificateOptions {
  dataDir: string;
  hostname: string;
  log: Log;
  /** Repeats a task; returns how to stop. Default: every 5 seconds, without keeping the process alive. */
  every?: (task: () => Promise<void>) => () => void;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/**
 * Resolves when every pair was read and found fit to serve. One that is expired is served all the same, with an error in the log: most
 * mail programs let people go on, and mail still has to come in.
 * @throws CertificateError naming everything that is wrong with all of them
 */
export async function openCertificates(tls: TlsSettings, options: CertificateOptions): Promise<Certificates> {
  const { log, every = everyFewSeconds, now = Date.now } = options;
  const isOwn = tls.length === 0;
  const ensureOwn = (): Promise<{ cert: string; key: string }> => ensureOwnCertificate({ ...options, now: now() });
  const sources: Source[] = (isOwn ? [await ensureOwn()] : tls).map((files) => ({ files }));
  const flaws = (await Promise.all(sources.map(refresh))).flatMap((result) =>
    result instanceof Error ? [result.message] : [],
  );
  if (flaws.length) throw new CertificateError(flaws.join('\n'));

  let current = arrange(sources);
  let lastWarnedAt = 0;
  const listeners = new Set<(certificates: CurrentCertificates) => void>();

  const warnOfDates = (): void => {
    lastWarnedAt = now();
    for (const { files, loaded } of sources) {
      if (loaded) logDates(log, files.cert, loaded, now());
    }
    const own = isOwn ? sources[0]?.loaded : undefined;
    if (own && !own.covers(options.hostname)) {
      const fields = { event: 'certificate', cert: sources[0]?.files.cert, hostname: options.hostname } as const;
      log.warn(fields, 'the self-signed certificate is for another host name; remove it and start again for a new one');
    }
  };

  const poll = async (): Promise<void> => {
    const own = sources[0]?.loaded;
    if (isOwn && own && own.validTo <= now()) await ensureOwn();
    const results = await Promise.all(sources.map(refresh));
    for (const [index, result] of results.entries()) {
      const source = sources[index];
      if (!source || !(result instanceof Error) || source.lastComplaint === result.message) continue;
      // Once for each reason: half of a new pair is there for a moment whenever somebody copies two files.
      source.lastComplaint = result.message;
      log.error(
        { event: 'certificate', cert: source.files.cert, problem: result.message },
        'the changed certificate is not used',
      );
    }
    if (results.includes('changed')) {
      current = arrange(sources);
      log.info(
        { event: 'certificate', cert: sources.map(({ files }) => files.cert).join(', ') },
        'certificates loaded again',
      );
      for (const listener of listeners) tell(listener, current, log);
      warnOfDates();
    } else if (now() - lastWarnedAt >= dayMs) warnOfDates();
  };

  warnOfDates();
  let polling: Promise<void> | null = null;
  const stop = every(() => {
    polling ??= poll()
      .catch((error: unknown) =>
        log.error({ event: 'certificate', err: error }, 'the certificates could not be looked after'),
      )
      .finally(() => (polling = null));
    return polling;
  });
  return {
    current: () => current,
    forHost: (host) => choose(current, host),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    validity: () =>
      sources.flatMap(({ loaded }) =>
        loaded ? [{ state: stateOf(loaded, now()), validTo: loaded.validTo, isOwn }] : [],
      ),
    close: () => {
      stop();
      listeners.clear();
    },
  };
}

interface Source {
  files: TlsSettings[number];
  /** What is served; kept when a newer version is broken. */
  loaded?: LoadedPair;
  /** Identity of the files that `loaded` came from. */
  version?: string;
  lastComplaint?: string;
}

/** Loads the pair when its files are other ones than those that are served. A broken pair is tried again each time: the disk may recover. */
async function refresh(source: Source): Promise<'same' | 'changed' | CertificateError> {
  try {
    const version = `${await versionOf(source.files.cert)} ${await versionOf(source.files.key)}`;
    if (source.loaded && version === source.version) return 'same';
    const loaded = await loadPair(source.files);
    const isSame = source.loaded?.cert === loaded.cert && source.loaded.key === loaded.key;
    // Taken before the files were read: a change in between is seen the next time.
    Object.assign(source, { loaded, version, lastComplaint: undefined });
    return isSame ? 'same' : 'changed';
  } catch (error) {
    if (error instanceof CertificateError) return error;
    throw error;
  }
}

/** Follows symbolic links, so that swapping one (Kubernetes, certbot) counts. Missing files are left to loadPair to complain about. */
async function versionOf(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true }).catch(() => nothing);
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

const nothing = { dev: 0n, ino: 0n, size: 0n, mtimeNs: 0n, ctimeNs: 0n };

/** Hosts that the settings name go before names that a certificate happens to carry; among equals the first one wins. */
function arrange(sources: readonly Source[]): CurrentCertificates {
  const byHost = new Map<string, CertificatePair>();
  const pairs = sources.flatMap(({ files, loaded }) =>
    loaded ? [{ hosts: files.hosts, names: loaded.names, pair: { cert: loaded.cert, key: loaded.key } }] : [],
  );
  const named = pairs.flatMap(({ hosts, pair }) => (hosts ?? []).map((host) => ({ host, pair })));
  const carried = pairs.flatMap(({ hosts, names, pair }) => (hosts ? [] : names.map((host) => ({ host, pair }))));
  for (const { host, pair } of [...named, ...carried]) {
    if (!byHost.has(host)) byHost.set(host, pair);
  }
  const first = pairs[0];
  if (!first) throw new CertificateError('There is no certificate to serve.');
  return { default: first.pair, byHost };
}

function choose({ default: fallback, byHost }: CurrentCertificates, host: string | undefined): CertificatePair {
  // Outlook for Mac sends names with a final dot.
  const name = host?.toLowerCase().replace(/\.$/, '') ?? '';
  // RFC 9525 section 6.3: the asterisk stands for exactly one label.
  return byHost.get(name) ?? byHost.get(name.replace(/^[^.]+/, '*')) ?? fallback;
}

function stateOf({ validFrom, validTo }: LoadedPair, now: number): Validity['state'] {
  if (validTo <= now) return 'expired';
  if (validFrom > now) return 'not yet valid';
  return validTo - now < warnDays * dayMs ? 'ends soon' : 'valid';
}

function logDates(log: Log, cert: string, pair: LoadedPair, now: number): void {
  const dates = { validFrom: new Date(pair.validFrom).toISOString(), validTo: new Date(pair.validTo).toISOString() };
  const fields = { event: 'certificate', cert, ...dates } as const;
  const state = stateOf(pair, now);
  if (state === 'expired')
    log.error(fields, 'the certificate has expired; mail programs warn people or refuse to connect');
  if (state === 'not yet valid') log.error(fields, 'the certificate is not valid yet; mail programs warn people');
  if (state === 'ends soon') log.warn(fields, 'the certificate expires soon');
}

function tell(listener: (certificates: CurrentCertificates) => void, current: CurrentCertificates, log: Log): void {
  try {
    listener(current);
  } catch (error) {
    log.error({ event: 'certificate', err: error }, 'a listener could not take the new certificates');
  }
}

function everyFewSeconds(task: () => Promise<void>): () => void {
  const timer = setInterval(() => void task(), pollMs);
  timer.unref();
  return () => clearInterval(timer);
}
