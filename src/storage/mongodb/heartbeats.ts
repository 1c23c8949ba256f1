// Tells in the log when a server of the store goes away and comes back, and notices that a client has stopped watching its servers: when a
// heartbeat waits for ever (deadline.ts says how that comes), the client never learns that the server is back. Called by open.ts, which
// then takes a new client.
import type { MongoClient } from 'mongodb';
import type { Log } from '../../quarantine/ports.ts';

export interface Heartbeats {
  /** The server that was asked and has neither answered nor failed for longer than it can; null when all is well. */
  stuck(now?: number): string | null;
}

/** Beyond the client's own limit for a heartbeat. */
const marginMs = 3_000;

export function watchHeartbeats(client: Pick<MongoClient, 'on' | 'options'>, log: Log): Heartbeats {
  const askedAt = new Map<string, number>();
  const awaySince = new Map<string, number>();
  // A server that streams its state answers after `heartbeatFrequencyMS` at the latest, and has `connectTimeoutMS` more (monitor.js).
  const patienceMs = client.options.connectTimeoutMS + client.options.heartbeatFrequencyMS + marginMs;
  client.on('serverHeartbeatStarted', ({ connectionId }) => {
    if (!askedAt.has(connectionId)) askedAt.set(connectionId, Date.now());
  });
  client.on('serverHeartbeatSucceeded', ({ connectionId: server }) => {
    askedAt.delete(server);
    const since = awaySince.get(server);
    if (since === undefined) return;
    awaySince.delete(server);
    const seconds = Math.round((Date.now() - since) / 1_000);
    log.info({ event: 'storage', server }, `a server of the store answers again, after ${seconds} s`);
  });
  client.on('serverHeartbeatFailed', ({ connectionId: server, failure }) => {
    askedAt.delete(server);
    if (awaySince.has(server)) return;
    awaySince.set(server, Date.now());
    log.warn({ event: 'storage', server, reason: failure.message }, 'a server of the store does not answer');
  });
  client.on('serverClosed', ({ address }) => {
    askedAt.delete(address);
    awaySince.delete(address);
  });
  return {
    stuck(now = Date.now()) {
      for (const [server, at] of askedAt) if (now - at > patienceMs) return server;
      return null;
    },
  };
}
