// Dovecot from Debian with the same mail, as a yardstick: a configuration and directories of its own, ports on loopback, nothing of the
// system's Dovecot touched. Needs root, as Dovecot does, and the package dovecot-imapd; without them there are no ratios.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Login } from '../client.ts';
import { Client } from '../client.ts';
import { endChild } from '../clean-up.ts';
import { freePorts } from '../../mongodb/processes/ports.ts';
import { writeCertificate } from './server.ts';
import type { Server } from './server.ts';

const program = '/usr/sbin/dovecot';
const imap = '/usr/lib/dovecot/imap';
/** Whom Debian makes for Dovecot's own use; owns the mail here. */
const [uid, gid] = ownerOfMail();

function ownerOfMail(): [number, number] {
  if (!existsSync(program)) return [0, 0];
  const id = (option: string): number => Number(execFileSync('id', [option, 'dovecot'], { encoding: 'utf8' }));
  return [id('-u'), id('-g')];
}

/** Null when it can be run. */
export function whyNoDovecot(): string | null {
  if (!existsSync(program) || !existsSync(imap)) return 'Dovecot is not installed (apt-get install dovecot-imapd)';
  if (process.getuid?.() !== 0) return 'Dovecot can only be started by root';
  return null;
}

export function dovecotVersion(): string {
  return existsSync(program) ? (execFileSync(program, ['--version'], { encoding: 'utf8' }).split(' ')[0] ?? '') : '–';
}

interface DatedMail {
  raw: Buffer;
  internalDate: number;
}

export async function startDovecot(directory: string, login: Login, mail: Iterable<DatedMail>): Promise<Server> {
  await fillMaildir(join(directory, 'mail'), mail);
  const { cert, key } = await writeCertificate(directory);
  const [port = 0, plainPort = 0] = await freePorts(2);
  const config = join(directory, 'dovecot.conf');
  await writeFile(config, configuration({ directory, port, plainPort, login, cert, key }));
  const child = spawn(program, ['-F', '-c', config], { stdio: ['ignore', 'inherit', 'inherit'] });
  const stop = endChild(child);
  await answering(port);
  return { name: 'Dovecot', port, plainPort, pid: child.pid ?? 0, mailbox: 'INBOX', stop };
}

/** As Dovecot writes it with `mail_save_crlf`, which makes it faster to send; the sizes stand in the name. */
async function fillMaildir(maildir: string, mail: Iterable<DatedMail>): Promise<void> {
  const current = join(maildir, 'cur');
  for (const name of ['cur', 'new', 'tmp']) await mkdir(join(maildir, name), { recursive: true });
  let number = 0;
  for (const { raw, internalDate } of mail) {
    const name = `${1_700_000_000 + ++number}.M1P1.bench,S=${raw.length},W=${raw.length}:2,`;
    const file = join(current, name);
    await writeFile(file, raw);
    await chown(file, uid, gid);
    // Dovecot's INTERNALDATE.
    await utimes(file, internalDate / 1000, internalDate / 1000);
  }
  for (const name of ['', 'cur', 'new', 'tmp']) await chown(join(maildir, name), uid, gid);
}

interface Places {
  directory: string;
  port: number;
  plainPort: number;
  login: Login;
  cert: string;
  key: string;
}

/** Login processes in the mode that Dovecot calls high-performance: they are shared, which is to its advantage. */
function configuration({ directory, port, plainPort, login, cert, key }: Places): string {
  return `protocols = imap
listen = 127.0.0.1
base_dir = ${join(directory, 'run')}
state_dir = ${join(directory, 'state')}
log_path = ${join(directory, 'dovecot.log')}
ssl = yes
ssl_cert = <${cert}
ssl_key = <${key}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_username_format = %Lu
passdb {
  driver = static
  args = password=${login.password}
}
userdb {
  driver = static
  args = uid=${uid} gid=${gid} home=${directory}
}
first_valid_uid = 1
mail_save_crlf = yes
mail_location = maildir:${join(directory, 'mail')}
mail_max_userip_connections = 10000
default_client_limit = 12000
service imap-login {
  inet_listener imap {
    port = ${plainPort}
  }
  inet_listener imaps {
    port = ${port}
    ssl = yes
  }
  service_count = 0
  process_min_avail = 1
  process_limit = 1
}
service imap {
  process_limit = 2000
}
`;
}

async function answering(port: number): Promise<void> {
  for (let tries = 100; ; tries--) {
    try {
      return (await Client.connect(port)).close();
    } catch (error) {
      if (!tries) throw error;
      await wait(100);
    }
  }
}
