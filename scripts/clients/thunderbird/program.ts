// Thunderbird as a program: started without a window on a profile of its own, told what to do, ended. What it can be told is in inside.js.
// Writes nothing outside the directory that it is given. Called by ../thunderbird.ts.
import type { ChildProcess } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { killProgram, startProgram } from '../programs.ts';
import { Marionette } from './marionette.ts';

/** A login or `Local Folders`, and the name of a folder as Thunderbird shows it. */
export type Place = readonly [account: string, folder: string];

export interface Drag {
  from: Place;
  to: Place;
  subjects: readonly string[];
  /** With the Ctrl key. */
  copy?: boolean;
}

export interface Account {
  /** Of the person. */
  name: string;
  address: string;
  login: string;
  port: number;
  security: 'TLS' | 'STARTTLS';
  /** Thunderbird's default: every message is downloaded unasked. */
  download: boolean;
}

/** What inside.js and inside-set-up.js offer; every call also waits for what it answers. */
export interface Inside {
  version(): string;
  /** Alerts are collected from now on, instead of being shown. */
  listen(): void;
  /** What would have been shown since the last time. */
  alerts(): string[];
  /** All that are open. A dialog box that waits for the person is one, too, and makes every call fail. */
  windows(): string[];
  trust(port: number, certificate: string): void;
  rememberPassword(login: string, password: string): void;
  /** Enters name and address in the Account Hub, and waits for what is found for them. */
  findSettings(name: string, address: string): { host: string; port: number; security: string; login: string };
  /** Goes on from there until the account is there. */
  logInAsFound(login: string, password: string): void;
  /** Fills in the Account Hub by hand. */
  enterServer(account: Account): void;
  pressAdvancedConfig(): void;
  closeAccountSettings(): void;
  /** Of the folder pane, from top to bottom. */
  foldersShown(login: string): string[];
  openFolder(...place: Place): void;
  /** Subjects in the list of the open folder, by UID. */
  list(): string[];
  /** Number of messages that the folder pane believes in, and whether it lets anything be dropped there. */
  folder(...place: Place): { messages: number; takesDrops: boolean };
  /** Lower-cased, as Thunderbird keeps them. */
  keywords(place: Place, subject: string): string[];
  /** Opens a message of the open folder. */
  read(subject: string): void;
  textShown(): string;
  drag(drag: Drag): void;
  /** "Move To" in the context menu, for the message that is open. */
  moveOpen(...place: Place): void;
  undo(): void;
  makeLocalMail(folder: string, raw: string): void;
  /** A file from the desktop. */
  dropFile(path: string, ...place: Place): void;
  quit(): void;
}

export interface Thunderbird {
  call<Name extends keyof Inside>(
    name: Name,
    ...parameters: Parameters<Inside[Name]>
  ): Promise<ReturnType<Inside[Name]>>;
  /** For what ends in a dialog box: presses OK in it and answers its text. */
  confirm<Name extends keyof Inside>(name: Name, ...parameters: Parameters<Inside[Name]>): Promise<string>;
  /** What was said over IMAP so far: Thunderbird's own log. */
  log(): Promise<string>;
  /** The polite way first; kills what does not go. */
  quit(): Promise<void>;
}

const preferences = {
  'marionette.port': 0,
  'app.update.enabled': false,
  'app.donation.eoy.version.viewed': 999,
  'app.normandy.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.policy.dataSubmissionPolicyBypassNotification': true,
  'extensions.update.enabled': false,
  'intl.locale.requested': 'en-US',
  'mail.chat.enabled': false,
  'mail.inappnotifications.enabled': false,
  'mail.provider.suppress_dialog_on_startup': true,
  'mail.rights.version': 1,
  'mail.shell.checkDefaultClient': false,
  'mail.spotlight.firstRunDone': true,
  // Without a desktop an alert would be a dialog box that waits for somebody.
  'mail.suppressAlertsForTests': true,
  'mailnews.start_page.enabled': false,
  'mailnews.start_page_override.mstone': 'ignore',
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.localDomains': 'quarantine.example.test',
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.ssl': '127.0.0.1',
  'toolkit.telemetry.enabled': false,
};

const startTimeoutMs = 120_000;
const quitTimeoutMs = 30_000;

/**
 * The profile in `directory` is made if need be; started again, Thunderbird finds there what it left.
 * @param webPort of the HTTP proxy that is all of its web
 */
export async function startThunderbird(directory: string, webPort: number): Promise<Thunderbird> {
  const profile = join(directory, 'profile');
  const activePort = join(profile, 'MarionetteActivePort');
  await mkdir(profile, { recursive: true });
  await rm(activePort, { force: true });
  const all = { ...preferences, 'network.proxy.http_port': webPort, 'network.proxy.ssl_port': webPort };
  const lines = Object.entries(all).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
  await writeFile(join(profile, 'user.js'), lines.join(''));
  const log = join(directory, `imap-${Date.now()}.log`);
  const output = await open(join(directory, 'output'), 'w');
  const options = ['--headless', '--marionette', '-remote-allow-system-access', '-no-remote', '-profile', profile];
  const child = startProgram('thunderbird', options, {
    stdio: ['ignore', output.fd, output.fd],
    // It asks the DNS by itself for mail servers and calendars, and need not wait for an answer.
    env: {
      ...process.env,
      RES_OPTIONS: 'timeout:1 attempts:1',
      HOME: directory,
      LANG: 'C.UTF-8',
      MOZ_LOG: 'timestamp,sync,IMAP:5',
      MOZ_LOG_FILE: log,
    },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  try {
    const marionette = await Marionette.connect(await portOf(activePort, child));
    const inside = await readInside();
    const calling = (name: string): string => `${inside}\nreturn await inside.${name}(...given);`;
    return {
      call: async (name, ...parameters) => (await marionette.run(calling(name), parameters)) as never,
      confirm: (name, ...parameters) => marionette.runAndConfirm(calling(name), parameters),
      log: () => readFile(`${log}.moz_log`, 'latin1'),
      async quit() {
        // It may hang up before it has answered.
        await Promise.race([marionette.run(`${inside}\ninside.quit();`, []).catch(() => undefined), ended]);
        await Promise.race([ended, pause(quitTimeoutMs, undefined, { ref: false })]);
        marionette.close();
        killProgram(child);
        await ended;
      },
    };
  } catch (error) {
    killProgram(child);
    await ended;
    throw new Error(`Thunderbird did not start: ${await readFile(join(directory, 'output'), 'utf8')}`, {
      cause: error,
    });
  } finally {
    await output.close();
  }
}

async function readInside(): Promise<string> {
  const files = ['inside.js', 'inside-set-up.js'].map((name) => readFile(join(import.meta.dirname, name), 'utf8'));
  return (await Promise.all(files)).join('\n');
}

async function portOf(file: string, child: ChildProcess): Promise<number> {
  for (const deadline = Date.now() + startTimeoutMs; Date.now() < deadline; await pause(100)) {
    const port = Number(await readFile(file, 'utf8').catch(() => ''));
    if (port) return port;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break;
  }
  throw new Error('no remote control');
}
