// A scripted filter to learn from reports: a real HTTP server in the place of rspamd's controller, whose answers are listed per request
// and which keeps what it was sent to the byte.
//
//   const learner = await startLearner({ script: [503, 200], password: 'secret' });
//   … report to learner.url …
//   const { path, body } = await learner.nextReceived();
//   await learner.close();
import { createServer, type IncomingHttpHeaders } from 'node:http';

/** A status, a status with a body, no answer at all, or a TCP reset. When the script is used up: 200, {"success":true}. */
export type LearnerAnswer = number | { status: number; body: string; contentType?: string } | 'silence' | 'reset';

export interface LearnerRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Learner {
  port: number;
  url: string;
  received: LearnerRequest[];
  /** The next one that was not handed out yet, waiting for it if need be; rejects when the learner is closed meanwhile. */
  nextReceived(): Promise<LearnerRequest>;
  close(): Promise<void>;
}

export async function startLearner(
  options: { script?: LearnerAnswer[]; password?: string; port?: number } = {},
): Promise<Learner> {
  const answers = (options.script ?? []).values();
  const received: LearnerRequest[] = [];
  const waiting: { resolve: (request: LearnerRequest) => void; reject: (error: Error) => void }[] = [];
  let handedOut = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const one = { method, path, headers, body: Buffer.concat(chunks) };
      received.push(one);
      waiting.shift()?.resolve(one);
      // As rspamd: a wrong password is answered before anything else.
      const wrongPassword = options.password !== undefined && headers.password !== options.password;
      const answer = wrongPassword ? 401 : (answers.next().value ?? { status: 200, body: '{"success":true}' });
      if (answer === 'silence') return;
      if (answer === 'reset') return void request.socket.resetAndDestroy();
      const {
        status,
        body,
        contentType = 'application/json',
      } = typeof answer === 'number' ? { status: answer, body: '' } : answer;
      response.writeHead(status, { 'Content-Type': contentType }).end(body);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    received,
    nextReceived: () =>
      new Promise((resolve, reject) => {
        const known = received[handedOut];
        handedOut += 1;
        if (known) resolve(known);
        else waiting.push({ resolve, reject });
      }),
    close: () => {
      for (const { reject } of waiting.splice(0)) reject(new Error('the learner was closed and received nothing more'));
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
