// What is wrong only because of another key: two listeners on one port, a door without a lock, a folder that nobody sees. Works on the
// file as it was written and skips what the schema refuses anyway, so that these mistakes are reported together with all others.
// Called by src/settings.ts.
import { z } from 'zod';
import { keyText, valueAt } from './problems.ts';
import type { KeyPath, PathProblem } from './problems.ts';
import { duration, hostName, isLoopback, isWildcard, listenAddress, network, port } from './values.ts';

interface Endpoint {
  address: string;
  port: number;
}

/** What counts where the file is silent. */
export interface CrossCheckDefaults {
  /** All roles that there are. */
  roles: readonly string[];
  imap: { listen: readonly Endpoint[] };
  intake: readonly (Endpoint & { folder: string })[];
  http: Endpoint;
  retention: { undoMs: number; historyMs: number };
}

export function crossCheck(content: unknown, defaults: CrossCheckDefaults): PathProblem[] {
  return [
    ...sharedPorts(content, defaults),
    ...openDoors(content),
    ...unnamedBalancers(content),
    ...trustInEverybody(content),
    ...unseenMail(content),
    ...retentionOrder(content, defaults),
    ...sharedTargetNames(content),
    ...sharedHosts(content),
  ];
}

interface Piece<T> {
  path: KeyPath;
  value: T;
}

/** The items of a list that fit the schema; `fallback` where the file does not have the list. */
function items<T>(content: unknown, path: KeyPath, schema: z.ZodType<T>, fallback: readonly T[] = []): Piece<T>[] {
  const list = valueAt(content, path);
  if (list === undefined) return fallback.map((value) => ({ path, value }));
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown, index) => {
    const parsed = schema.safeParse(item);
    return parsed.success ? [{ path: [...path, index], value: parsed.data }] : [];
  });
}

function endpoint(defaults: { address: string; port?: number }): z.ZodType<Endpoint> {
  const anyPort = port();
  return z.object({
    address: listenAddress().prefault(defaults.address),
    port: defaults.port === undefined ? anyPort : anyPort.prefault(defaults.port),
  });
}

function sharedPorts(content: unknown, defaults: CrossCheckDefaults): PathProblem[] {
  const doors = defaults.intake.filter((door) => valueAt(content, ['folders', door.folder]) !== false);
  const http = endpoint(defaults.http).safeParse(valueAt(content, ['http']) ?? {});
  const running = (role: string, pieces: Piece<Endpoint>[]): Piece<Endpoint>[] => {
    const roles = valueAt(content, ['roles']);
    const isKnown = Array.isArray(roles) && roles.every((name) => defaults.roles.includes(String(name)));
    return isKnown && !roles.includes(role) ? [] : pieces;
  };
  const listeners = [
    ...running('imap', items(content, ['imap', 'listen'], endpoint({ address: '0.0.0.0' }), defaults.imap.listen)),
    ...running('intake', items(content, ['intake'], endpoint({ address: '127.0.0.1' }), doors)),
    // Health and metrics are served whatever the roles.
    ...(http.success ? [{ path: ['http'], value: http.data }] : []),
  ];
  return listeners.flatMap((listener, index) => {
    const other = listeners.slice(0, index).find((earlier) => collide(earlier.value, listener.value));
    if (!other) return [];
    // The later one is blamed, except where it is a default that nobody wrote.
    const isWritten = valueAt(content, listener.path) !== undefined;
    const [blamed, taker] = isWritten ? [listener, other] : [other, listener];
    return [
      {
        path: [...blamed.path, 'port'],
        problem: `is ${blamed.value.port} on ${blamed.value.address}, which ${keyText(taker.path)} already listens on`,
        expected: 'an address and port for each listener that overlap no other',
      },
    ];
  });
}

/** Port 0 is a new port each time. `::` also takes the IPv4 addresses. */
function collide(a: Endpoint, b: Endpoint): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const covers = (wide: Endpoint, one: Endpoint): boolean =>
    isWildcard(wide.address) && (wide.address.includes(':') || !one.address.includes(':'));
  return a.address === b.address || covers(a, b) || covers(b, a);
}

/** The evidence in arriving mail is believed and decides who may release it, so strangers must not hand mail in. */
function openDoors(content: unknown): PathProblem[] {
  const door = z.object({ address: listenAddress(), allow: z.array(z.unknown()).default([]) });
  return items(content, ['intake'], door)
    .filter(({ value }) => !isLoopback(value.address) && value.allow.length === 0)
    .map(({ path, value }) => ({
      path: [...path, 'allow'],
      problem: `is missing, and ${value.address} can be reached from other machines`,
      expected: 'the networks that may hand mail in, such as [10.0.0.0/8], or address: 127.0.0.1',
    }));
}

/** By default only a balancer on this machine is believed, and it has no need of a door that others can reach. */
function unnamedBalancers(content: unknown): PathProblem[] {
  if (valueAt(content, ['trustedProxies']) !== undefined) return [];
  const door = z.object({ address: listenAddress(), proxyProtocol: z.literal(true) });
  const [first] = items(content, ['intake'], door).filter(({ value }) => !isLoopback(value.address));
  if (!first) return [];
  return [
    {
      path: ['trustedProxies'],
      problem: `is missing, and ${keyText(first.path)} has proxyProtocol where other machines can connect`,
      expected: 'the networks of the balancers, such as [10.0.0.2, 10.0.0.3]',
    },
  ];
}

function trustInEverybody(content: unknown): PathProblem[] {
  return items(content, ['trustedProxies'], network())
    .filter(({ value }) => /\/0+$/.test(value))
    .map(({ path, value }) => ({
      path,
      problem: `is ${value}: everybody could claim to be anybody`,
      expected: 'the networks of the balancers alone',
    }));
}

function unseenMail(content: unknown): PathProblem[] {
  return items(content, ['intake'], z.object({ folder: z.enum(['outgoing', 'training']) }))
    .filter(({ value }) => valueAt(content, ['folders', value.folder]) === false)
    .map(({ path, value }) => ({
      path: [...path, 'folder'],
      problem: `is ${value.folder}, which folders.${value.folder} switches off: nobody would see the mail`,
      expected: `folders.${value.folder}: true, or no listener for it`,
    }));
}

/** Restore needs what history remembers. */
function retentionOrder(content: unknown, defaults: CrossCheckDefaults): PathProblem[] {
  const length = (key: string, otherwise: number): number => {
    const written = valueAt(content, ['retention', key]);
    if (written === undefined) return otherwise;
    return duration({ mayBeZero: true }).safeParse(written).data ?? NaN;
  };
  if (!(length('undo', defaults.retention.undoMs) > length('history', defaults.retention.historyMs))) return [];
  const key = valueAt(content, ['retention', 'undo']) === undefined ? 'history' : 'undo';
  const problem = key === 'undo' ? 'is longer than retention.history' : 'is shorter than retention.undo';
  return [{ path: ['retention', key], problem, expected: 'undo to be no longer than history' }];
}

function sharedTargetNames(content: unknown): PathProblem[] {
  const target = z.object({ type: z.string(), name: z.string().optional() });
  const named = items(content, ['training'], target).map(({ path, value }) => ({
    path: [...path, 'name'],
    value: value.name ?? value.type,
  }));
  return repeated(named).map(({ path, value }) => ({
    path,
    problem: `is "${value}" like that of another target (without a name, the type is the name)`,
    expected: 'a name of its own for each target',
  }));
}

function sharedHosts(content: unknown): PathProblem[] {
  const hosts = items(content, ['tls'], z.object({ hosts: z.array(z.unknown()) })).flatMap(({ path }) =>
    items(content, [...path, 'hosts'], hostName({ wildcard: true })),
  );
  return repeated(hosts).map(({ path, value }) => ({
    path,
    problem: `is ${value}, which another certificate already serves`,
    expected: 'each host name once',
  }));
}

function repeated(pieces: Piece<string>[]): Piece<string>[] {
  return pieces.filter(({ value }, index) => pieces.findIndex((other) => other.value === value) !== index);
}
