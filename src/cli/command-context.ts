// What every command begins with: which settings, the store that they name, and where the answer goes. Called by the commands.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { pino } from 'pino';
import { openQuarantine } from '../open-quarantine.ts';
import type { Log } from '../quarantine/ports.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { defaultSettings, loadSettings } from '../settings.ts';
import type { Settings } from '../settings.ts';
import { asJson, writeOut } from './answer.ts';

const defaultFile = 'lazaretto.yaml';

interface GlobalOptions {
  config?: string;
  json?: boolean;
}

export interface CommandContext {
  settings: Settings;
  quarantine: Quarantine;
  json: boolean;
  /** Writes the command's one answer: the text for people, or the value with --json. */
  answer(text: string, value: unknown): Promise<void>;
}

export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}

export async function answer(command: Command, text: string, value: unknown): Promise<void> {
  await writeOut(`${wantsJson(command) ? asJson(value) : text}\n`);
}

/** The file that was named, by --config or LAZARETTO_CONFIG; else the one in the working directory, if there is one. */
export function settingsFile(command: Command): string | null {
  const named = command.optsWithGlobals<GlobalOptions>().config ?? process.env.LAZARETTO_CONFIG;
  if (named) return named;
  return existsSync(defaultFile) ? defaultFile : null;
}

/** @throws SettingsError also when a file was named that is not there: with defaults, a command would work on another, empty quarantine */
export function settingsOf(command: Command): Settings {
  const file = settingsFile(command);
  return file === null ? defaultSettings(resolve('.')) : loadSettings(file);
}

/** Opens the store, works, closes. Works beside a running server. */
export async function withQuarantine(
  command: Command,
  work: (context: CommandContext) => Promise<void>,
): Promise<void> {
  const settings = settingsOf(command);
  const { quarantine, close } = await openQuarantine(settings, { log: commandLog() });
  try {
    await work({
      settings,
      quarantine,
      json: wantsJson(command),
      answer: (text, value) => answer(command, text, value),
    });
  } finally {
    await close();
  }
}

/** Commands answer by themselves; of the log only warnings are for the person at the terminal. */
export function commandLog(): Log {
  if (process.env.LAZARETTO_DEBUG) return pino({ level: 'debug' }, pino.destination(2));
  const quiet = (): void => undefined;
  const tell = (_fields: object, text: string): void => void process.stderr.write(`lazaretto: ${text}\n`);
  return { debug: quiet, info: quiet, warn: tell, error: tell };
}
