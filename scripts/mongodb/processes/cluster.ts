// Three whole `lazaretto serve` processes, each with a settings file and a data directory of its own, on one store and behind one balancer.
// They are killed and started again; every process that ever ran is remembered with how it ended and what it logged.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { farEndCertificate, farEndKey } from '../../../test/helpers/far-end-certificate.ts';
import { startBalancer } from './balancer.ts';
import type { Balancer, Door } from './balancer.ts';
import { freePorts } from './ports.ts';

const launcher = process.env.TEST_LAUNCHER ?? join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'lazaretto.js');

/** Longer than a start takes on a busy machine. A store that cannot be reached ends it sooner. */
const startPatienceMs = 60_000;

/** Log lines that tell where a process stands still. */
const toldLines = 10;

/** Longer than the drain of main.ts and what comes after it take, also on a busy machine. */
const stopPatienceMs = 30_000;

export interface LogEntry {
  level: number;
  event?: string;
  [field: string]: unknown;
}

/** One process, from its start to its end. */
export interface Instance {
  name: string;
  pid: number;
  log: LogEntry[];
  /** What it was told to end with, and when. */
  signal: { name: 'SIGKILL' | 'SIGTERM'; at: number } | null;
  exitCode: number | null;
}

export interface ClusterOptions {
  directory: string;
  store: string;
  nextHop: string;
  controller: string;
}

export class Cluster {
  readonly front: Door;
  readonly instances: Instance[] = [];
  readonly #names: readonly string[];
  readonly #directory: string;
  readonly #running = new Map<string, { child: ChildProcess; instance: Instance; ended: Promise<unknown> }>();
  #doors = new Map<string, Door>();
  #balancer: Balancer | null = null;

  private constructor(directory: string, names: readonly string[], front: Door) {
    this.#directory = directory;
    this.#names = names;
    this.front = front;
  }

  static async prepare(options: ClusterOptions, names: readonly string[] = ['a', 'b', 'c']): Promise<Cluster> {
    const ports = await freePorts(2 + names.length * 3);
    const take = (): number => ports.pop() ?? 0;
    const cluster = new Cluster(options.directory, names, { imaps: take(), lmtp: take() });
    const doors = new Map<string, Door>();
    const certificate = { cert: join(options.directory, 'cert.pem'), key: join(options.directory, 'key.pem') };
    await writeFile(certificate.cert, farEndCertificate);
    await writeFile(certificate.key, farEndKey);
    for (const name of names) {
      const door = { imaps: take(), lmtp: take() };
      doors.set(name, door);
      await mkdir(join(options.directory, name));
      await writeFile(
        join(options.directory, name, 'lazaretto.yaml'),
        settingsText(options, { door, certificate, http: take() }),
      );
    }
    cluster.#doors = doors;
    return cluster;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  get up(): string[] {
    return [...this.#running.keys()];
  }

  pids(): number[] {
    return [...this.#running.values()].map(({ instance }) => instance.pid);
  }

  /** All of them, then the balancer, so that it finds them up. */
  async startAll(): Promise<void> {
    await Promise.all(this.#names.map((name) => this.start(name)));
    this.#balancer = await startBalancer(this.#directory, this.front, this.#doors);
  }

  /** Resolves when it serves; rejects when it ends or takes too long, and then says what it logged last. */
  async start(name: string): Promise<void> {
    const child = spawn(process.execPath, [launcher, 'serve'], {
      cwd: join(this.#directory, name),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const instance: Instance = { name, pid: child.pid ?? 0, log: [], signal: null, exitCode: null };
    this.instances.push(instance);
    const { promise: started, resolve, reject } = Promise.withResolvers<void>();
    started.catch(() => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line) as LogEntry;
      instance.log.push(entry);
      if (entry.event === 'started') resolve();
    });
    const ended = once(child, 'close').then(() => {
      instance.exitCode = child.exitCode;
      this.#running.delete(name);
      reject(new Error(`lazaretto serve (${name}) ended with ${child.exitCode ?? child.signalCode}`));
    });
    this.#running.set(name, { child, instance, ended });
    const tooLong = setTimeout(() => {
      const lines = instance.log.slice(-toldLines).map((entry) => JSON.stringify(entry));
      const told = lines.length ? `it logged last:\n${lines.join('\n')}` : 'it logged nothing';
      reject(new Error(`lazaretto serve (${name}) did not start within ${startPatienceMs / 1_000} s; ${told}`));
    }, startPatienceMs);
    await started.finally(() => clearTimeout(tooLong));
  }

  /** Resolves when it has ended. */
  async stop(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const running = this.#running.get(name);
    if (!running) return;
    running.instance.signal = { name: signal, at: Date.now() };
    running.child.kill(signal);
    const tooLong = setTimeout(() => running.child.kill('SIGKILL'), stopPatienceMs);
    await running.ended;
    clearTimeout(tooLong);
  }

  async close(): Promise<void> {
    await Promise.all(this.up.map((name) => this.stop(name, 'SIGTERM')));
    await this.#balancer?.close();
  }
}

interface Place {
  door: Door;
  http: number;
  certificate: { cert: string; key: string };
}

function settingsText(
  { store, nextHop, controller }: ClusterOptions,
  { door, http, certificate: { cert, key } }: Place,
): string {
  return `hostname: quarantine.example.test
store: '${store}'
tls: { cert: '${cert}', key: '${key}' }
imap:
  listen:
    - { address: 127.0.0.1, port: ${door.imaps}, tls: implicit, proxyProtocol: true }
intake:
  - { protocol: lmtp, port: ${door.lmtp}, folder: caught, allow: [127.0.0.0/8], proxyProtocol: true }
http: { port: ${http} }
delivery: { outgoing: '${nextHop}' }
confirmCaught: true
training:
  - { type: rspamd, url: '${controller}', password: none }
`;
}
