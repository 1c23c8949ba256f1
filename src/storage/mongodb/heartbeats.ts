// Notices that a client has stopped watching its servers. mongodb 7.9.0 can write to a socket that its server has just closed and then wait
// for ever (`Connection.writeCommand` awaits `drain` of a destroyed socket); when that happens to a heartbeat, the client never learns that
// the server is back. Called by open.ts, which then takes a new client.
import type { MongoClient } from 'mongodb';

export interface Heartbeats {
  /** The server that was asked longest ago and has neither answered nor failed since; null when all is well. */
  stuck(now?: number): string | null;
}

/** Heartbeats end every 10 s, or after `connectTimeoutMS` and 10 s at the most. */
const patienceMs = 60_000;

export function watchHeartbeats(client: Pick<MongoClient, 'on'>): Heartbeats {
  const askedAt = new Map<string, number>();
  client.on('serverHeartbeatStarted', ({ connectionId }) => {
    if (!askedAt.has(connectionId)) askedAt.set(connectionId, Date.now());
  });
  client.on('serverHeartbeatSucceeded', ({ connectionId }) => void askedAt.delete(connectionId));
  client.on('serverHeartbeatFailed', ({ connectionId }) => void askedAt.delete(connectionId));
  client.on('serverClosed', ({ address }) => void askedAt.delete(address));
  return {
    stuck(now = Date.now()) {
      for (const [server, at] of askedAt) if (now - at > patienceMs) return server;
      return null;
    },
  };
}
