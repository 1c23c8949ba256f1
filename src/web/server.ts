// The HTTP server of a process: is it alive, is it ready, what has it done, and how mail programs connect. Answers without a login, hence on
// loopback unless the settings say otherwise, and tells nothing about mail or people. Opened by src/open-web.ts in every process,
// whatever its roles.
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../quarantine/ports.ts';
import { connectPaths, connectRoutes } from './connect/routes.ts';
import type { ConnectOptions } from './connect/routes.ts';
import type { Health } from './health.ts';
import { reportText } from './health.ts';
import type { Metrics } from './metrics.ts';

export interface HttpOptions {
  address: string;
  /** 0: any free one. */
  port: number;
  health: Health;
  metrics: Pick<Metrics, 'exposition'>;
  connect: ConnectOptions;
  log: Log;
}

export interface HttpServer {
  address: string;
  port: number;
  /** Answers what was asked (bounded), then closes every connection. */
  close(): Promise<void>;
}

/** For answers that are under way. It comes after everything else that has to end within the time of the whole server (main.ts). */
const closeGraceMs = 1_000;

const plain = 'text/plain; charset=utf-8';

const nothingHere = [
  'There is nothing here. What is answered:',
  'health and figures: /livez, /readyz, /metrics',
  `mail programs' settings, where IMAP is served: ${[connectPaths.autoconfig[0], connectPaths.mobileconfig, connectPaths.autodiscover].join(', ')}`,
  '',
].join('\n');

/** Resolves when it listens; rejects when the address or port cannot be had. */
export async function openHttp({ address, port, health, metrics, connect, log }: HttpOptions): Promise<HttpServer> {
  const app = fastify({
    logger: false,
    // Next to nothing that is asked for here has a body; whoever sends slowly holds a connection and no more.
    bodyLimit: 1024,
    connectionTimeout: 30_000,
    requestTimeout: 10_000,
    forceCloseConnections: 'idle',
    // Outlook asks for /Autodiscover/Autodiscover.xml as well, and has the address in a path: RFC 5321 allows 64 + 1 + 255 characters.
    routerOptions: { caseSensitive: false, maxParamLength: 320 },
  });
  app.addHook('onRequest', async (_request, reply) => {
    void reply.header('Cache-Control', 'no-store').header('X-Content-Type-Options', 'nosniff');
  });
  app.get('/livez', (_request, reply) => reply.type(plain).send('ok\n'));
  app.get('/readyz', async (request, reply) => {
    const report = await health.report();
    void reply.code(report.ready ? 200 : 503);
    return wantsJson(request) ? reply.send(report) : reply.type(plain).send(reportText(report));
  });
  app.get('/metrics', async (_request, reply) => {
    const { type, text } = await metrics.exposition();
    return reply.type(type).send(text);
  });
  answerTheRest(app, log);
  await app.register(connectRoutes(connect));
  await app.listen({ host: address, port });
  const bound = app.server.address();
  return {
    address,
    port: typeof bound === 'object' && bound ? bound.port : port,
    close: () => closeSoon(app),
  };
}

/** Node waits for whoever has connected and asked for nothing yet, or not to the end: half a minute and longer. */
async function closeSoon(app: FastifyInstance): Promise<void> {
  const patience = setTimeout(() => app.server.closeAllConnections(), closeGraceMs);
  try {
    await app.close();
  } finally {
    clearTimeout(patience);
  }
}

function wantsJson({ headers }: FastifyRequest): boolean {
  return /\bapplication\/json\b/i.test(headers.accept ?? '');
}

function answerTheRest(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler((_request, reply: FastifyReply) => reply.code(404).type(plain).send(nothingHere));
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return reply.code(error.statusCode).type(plain).send('This request cannot be understood.\n');
    }
    log.error({ event: 'web', path: request.routeOptions.url, err: error }, 'a request could not be answered');
    return reply.code(500).type(plain).send('Something went wrong here. It has been logged.\n');
  });
}
