// The process that is killed: a whole server on a store that outlives it. `node server.ts DIRECTORY STORE_URL NEXT_HOP_URL KILL_AT`; kills
// itself at the KILL_AT-th step (0: never), after writing the step's name. Prints one line of JSON when it is ready, and for each
// line on stdin the number of steps so far, once nothing is due any more. Started by round.ts.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startServer } from '../../src/main.ts';
import { openQuarantine } from '../../src/open-quarantine.ts';
import type { Log } from '../../src/quarantine/ports.ts';
import { MaildirTarget } from '../../src/targets/maildir.ts';
import { SmtpTarget } from '../../src/targets/smtp.ts';
import { crashSettings } from './settings.ts';
import { stepAtCommands } from './stepped-mongodb.ts';
import { steppedDelivery, steppedReports, steppedStorage } from './stepped-storage.ts';
import type { OnStep } from './stepped-storage.ts';

const [directory = '', store = '', nextHop = '', killAt = '0'] = process.argv.slice(2);
const journal = join(directory, 'journal');
const note = (line: string): void => appendFileSync(journal, `${line}\n`);

note('started');
let steps = 0;
const onStep: OnStep = (step, messages) => {
  for (const { id, delivery } of messages) if (delivery && delivery.state !== 'due') note(`recorded ${id}`);
  if (++steps !== Number(killAt)) return;
  note(`killed ${step}`);
  process.kill(process.pid, 'SIGKILL');
};

const silent = (): void => undefined;
const log: Log = {
  debug: silent,
  info: silent,
  warn: silent,
  error: (fields, text) => note(`error ${text} ${JSON.stringify(fields)}`),
};

const steppedStore = store.startsWith('mongodb') ? stepAtCommands(store, (step) => onStep(step, [])) : store;
const settings = crashSettings({ directory, store: steppedStore, nextHop });
const { quarantine } = await openQuarantine(settings, { log });
const server = await startServer(
  settings,
  { ...quarantine, storage: steppedStorage(quarantine.storage, onStep) },
  {
    targets: {
      delivery: steppedDelivery(new SmtpTarget(), onStep, (trace) =>
        note(`delivering ${trace.slice(0, trace.indexOf('.'))}`),
      ),
      reports: [steppedReports(new MaildirTarget('maildir', join(directory, 'reports')), onStep)],
      outgoing: nextHop,
    },
    // A killed worker's claims must run out within the run's patience.
    worker: { leaseMs: 1000 },
  },
);
process.stdout.write(`${JSON.stringify(server.listening)}\n`);
for await (const _ of createInterface({ input: process.stdin })) {
  await server.worker?.idle();
  process.stdout.write(`${steps}\n`);
}
