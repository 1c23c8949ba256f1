// A far end that says about itself what the primary of a MongoDB replica set says and answers every command as the test has written down,
// to see what the real driver makes of answers that no test server gives. Loopback, port 0.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { BSON } from 'mongodb';
import type { Document } from 'mongodb';

/** What a client sent: the command with the documents that came in sequences beside it. */
export type Command = Record<string, unknown>;

/** The answer to one command; `undefined`: `{ ok: 1 }`. */
export type Answer = (name: string, command: Command) => object | undefined;

export interface ScriptedServer {
  url: string;
  /** All but the greetings, in order: the first key is the command's name. */
  received: Command[];
  close(): Promise<void>;
}

const opMsg = 2013;
const opQuery = 2004;
const opReply = 1;
const headerBytes = 16;

export async function scriptedServer(answer: Answer): Promise<ScriptedServer> {
  const received: Command[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    let waiting = Buffer.alloc(0);
    socket.on('data', (data) => {
      waiting = Buffer.concat([waiting, data]);
      while (waiting.length >= headerBytes && waiting.length >= waiting.readInt32LE(0)) {
        const message = waiting.subarray(0, waiting.readInt32LE(0));
        waiting = waiting.subarray(message.length);
        socket.write(reply(message));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const host = `127.0.0.1:${port}`;

  function reply(message: Buffer): Buffer {
    const command = message.readInt32LE(12) === opQuery ? readQuery(message) : readMessage(message);
    const name = Object.keys(command)[0] ?? '';
    const isGreeting = ['hello', 'ismaster', 'isMaster'].includes(name);
    if (!isGreeting) received.push(command);
    const body = isGreeting ? greeting(host) : (answer(name, command) ?? {});
    return message.readInt32LE(12) === opQuery ? asReply(message, body) : asMessage(message, { ok: 1, ...body });
  }

  return {
    url: `mongodb://${host}/lazaretto?replicaSet=rs0&heartbeatFrequencyMS=60000`,
    received,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function greeting(host: string): Document {
  return {
    ok: 1,
    helloOk: true,
    isWritablePrimary: true,
    ismaster: true,
    setName: 'rs0',
    setVersion: 1,
    hosts: [host],
    primary: host,
    me: host,
    minWireVersion: 0,
    maxWireVersion: 21,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    logicalSessionTimeoutMinutes: 30,
  };
}

/** OP_MSG: flags, then sections of one document (kind 0) or of a sequence of them under a name (kind 1). */
function readMessage(message: Buffer): Command {
  let command: Document = {};
  const sequences: Document = {};
  for (let at = headerBytes + 4; at < message.length;) {
    const kind = message.readUInt8(at++);
    const end = at + message.readInt32LE(at);
    if (kind === 0) command = BSON.deserialize(message.subarray(at, end));
    else {
      const nameEnd = message.indexOf(0, at + 4);
      const documents: Document[] = [];
      for (let next = nameEnd + 1; next < end; next += message.readInt32LE(next))
        documents.push(BSON.deserialize(message.subarray(next, next + message.readInt32LE(next))));
      sequences[message.toString('utf8', at + 4, nameEnd)] = documents;
    }
    at = end;
  }
  return { ...command, ...sequences };
}

/** OP_QUERY, which only the first greeting uses. */
function readQuery(message: Buffer): Command {
  const start = message.indexOf(0, headerBytes + 4) + 1 + 8;
  return BSON.deserialize(message.subarray(start));
}

function header(request: Buffer, length: number, operation: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeInt32LE(length + headerBytes, 0);
  bytes.writeInt32LE(request.readInt32LE(4), 8);
  bytes.writeInt32LE(operation, 12);
  return bytes;
}

function asMessage(request: Buffer, body: Document): Buffer {
  const rest = Buffer.concat([Buffer.alloc(5), BSON.serialize(body)]);
  return Buffer.concat([header(request, rest.length, opMsg), rest]);
}

function asReply(request: Buffer, body: Document): Buffer {
  const before = Buffer.alloc(20);
  before.writeInt32LE(1, 16);
  const rest = Buffer.concat([before, BSON.serialize(body)]);
  return Buffer.concat([header(request, rest.length, opReply), rest]);
}
