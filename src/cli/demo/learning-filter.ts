// The demo's training target: speaks the part of rspamd's controller that reports go to, and says what it was taught. Learns nothing.
// Called by start-demo.ts.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Verdict } from '../../quarantine/job.ts';
import { readMessage } from '../../quarantine/reading/read-message.ts';

export interface Learned {
  verdict: Verdict;
  subject: string;
  sizeBytes: number;
}

export interface LearningFilter {
  port: number;
  close(): Promise<void>;
}

export async function startLearningFilter(onLearned: (learned: Learned) => void): Promise<LearningFilter> {
  async function learn(request: IncomingMessage): Promise<number> {
    const raw = await buffer(request);
    const [, verdict] = /^\/learn(ham|spam)$/.exec(request.url ?? '') ?? [];
    if (request.method !== 'POST' || (verdict !== 'ham' && verdict !== 'spam')) return 501;
    onLearned({ verdict, subject: readMessage(raw).summary.subject, sizeBytes: raw.length });
    return 200;
  }
  const server = createServer((request, response) => {
    learn(request).then(
      (status) => {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(status === 200 ? { success: true } : { error: 'only learnham and learnspam' }));
      },
      // The connection broke off; whoever sent the report tries again.
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (!bound || typeof bound === 'string') throw new Error('The training target has no port.');
  return {
    port: bound.port,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
