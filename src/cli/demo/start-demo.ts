// Starts everything that the demo shows, on 127.0.0.1 alone: a next hop and a training target, the server as it is, three logins, and the
// sample mail. Called by demo.ts.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openAccounts } from '../../accounts/open-accounts.ts';
import { startServer } from '../../main.ts';
import type { Listening } from '../../main.ts';
import { openQuarantine } from '../../open-quarantine.ts';
import { blankDomain } from '../../quarantine/domains.ts';
import type { Log } from '../../quarantine/ports.ts';
import type { Quarantine } from '../../quarantine/quarantine.ts';
import { loadSettings } from '../../settings.ts';
import { settingsName } from './directory.ts';
import { handInSamples } from './hand-in.ts';
import type { Door } from './hand-in.ts';
import { startLearningFilter } from './learning-filter.ts';
import { startNextHop } from './next-hop.ts';
import { freePorts, usualPorts } from './ports.ts';
import { unknownMailbox } from './sample-mail.ts';
import { settingsText } from './settings-text.ts';
import { arrivedLine, learnedLine, refusedLine } from './told-lines.ts';

/** Fixed, so that an account stays in the mail program from one demo to the next: there is nothing to see but the sample mail. */
export const demoPassword = 'lazaretto-demo';
export const demoLogins = ['alice@example.com', 'example.com', 'global'] as const;

export interface DemoOptions {
  directory: string;
  useFreePorts: boolean;
  log: Log;
  tell(line: string): void;
}

export interface RunningDemo {
  listening: readonly Listening[];
  settingsFile: string;
  nextHopPort: number;
  learningFilterPort: number;
  close(): Promise<void>;
}

export async function startDemo({ directory, useFreePorts, log, tell }: DemoOptions): Promise<RunningDemo> {
  const stops: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    const nextHop = await startNextHop({
      unknownMailbox,
      onArrived: (arrived) => tell(arrivedLine(arrived)),
      onRefused: (recipient, reply) => tell(refusedLine(recipient, reply)),
    });
    stops.push(nextHop.close);
    const filter = await startLearningFilter((learned) => tell(learnedLine(learned)));
    stops.push(filter.close);
    const farEnds = { nextHopPort: nextHop.port, learningFilterPort: filter.port };
    const settingsFile = join(directory, settingsName);
    await writeFile(settingsFile, settingsText(useFreePorts ? freePorts : await usualPorts(), farEnds));
    const settings = loadSettings(settingsFile);
    const opened = await openQuarantine(settings, { log });
    stops.push(opened.close);
    const isNew = await prepare(opened.quarantine, nextHop.port);
    const server = await startServer(settings, opened.quarantine);
    stops.push(server.close);
    if (isNew) await handInSamples(doorsOf(server.listening), Date.now());
    return { listening: server.listening, settingsFile, ...farEnds, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The domain and the logins. False when they were there: the directory is that of an earlier demo. */
async function prepare(quarantine: Quarantine, nextHopPort: number): Promise<boolean> {
  const isNew = quarantine.domains.find('example.com') === undefined;
  await quarantine.storage.domains.put({
    ...blankDomain('example.com', `smtp://127.0.0.1:${nextHopPort}`),
    aliases: ['example.net'],
  });
  await quarantine.domains.refresh();
  const accounts = openAccounts(quarantine);
  const known = new Set((await accounts.list()).map(({ name }) => name));
  for (const name of demoLogins) {
    if (known.has(name)) await accounts.setPassword(name, demoPassword);
    else await accounts.create(name, demoPassword);
  }
  return isNew;
}

function doorsOf(listening: readonly Listening[]): Record<'caught' | 'outgoing' | 'training', Door> {
  const door = (folder: string): Door => {
    const found = listening.find((one) => one.folder === folder);
    if (!found) throw new Error(`Nothing listens for ${folder}.`);
    return { protocol: found.name === 'LMTP' ? 'lmtp' : 'smtp', port: found.port };
  };
  return { caught: door('caught'), outgoing: door('outgoing'), training: door('training') };
}
