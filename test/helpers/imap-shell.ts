// A real IMAP shell on ports of its own, with commands that the test defines, and clients that are closed with it. Any name logs in with
// the password `right`.
import type { TestContext } from 'node:test';
import { makeSelfSigned } from '../../src/certificates/self-signed.ts';
import type { SelectedMailbox } from '../../src/imap/command.ts';
import { createImapShell, type ImapListener, type ImapShell } from '../../src/imap/imap-core.ts';
import type { AuthenticationAttempt, ShellOptions } from '../../src/imap/shell-options.ts';
import type { Log } from '../../src/quarantine/ports.ts';
import english from '../../src/languages/en.ts';
import { scopeOfLogin } from '../../src/quarantine/scope.ts';
import { RawImap, type RawImapOptions } from './raw-imap.ts';

export interface LoggedLine {
  level: string;
  fields: Record<string, unknown>;
  text: string;
}

export interface TestShell<S extends SelectedMailbox = SelectedMailbox> {
  shell: ImapShell<S>;
  /** With TLS from the start. */
  port: number;
  startTlsPort: number;
  logged: LoggedLine[];
  attempts: AuthenticationAttempt[];
  /** Clients of this shell; closed when the test ends. */
  connect(options?: RawImapOptions): Promise<RawImap>;
  logIn(username?: string): Promise<RawImap>;
}

export function certificateFor(...names: string[]): { cert: string; key: string } {
  const day = 86_400_000;
  return makeSelfSigned({ names, notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) });
}

const ownCertificate = certificateFor('quarantine.example.test');

/** @param listener what both listeners have in common */
export async function startShell<S extends SelectedMailbox = SelectedMailbox>(
  context: Pick<TestContext, 'after'>,
  options: Partial<ShellOptions<S>> = {},
  listener: Pick<ImapListener, 'trustedProxies'> = {},
): Promise<TestShell<S>> {
  const logged: LoggedLine[] = [];
  const attempts: AuthenticationAttempt[] = [];
  const clients: RawImap[] = [];
  const shell = createImapShell<S>({
    commands: [],
    certificates: [ownCertificate],
    version: '1.2.3',
    maxMessageBytes: 300_000,
    log: recordingLog(logged),
    sentences: english.sessions,
    authenticate: (attempt) => {
      attempts.push(attempt);
      return Promise.resolve(
        attempt.password === 'right'
          ? { ok: true, login: { scope: scopeOfLogin(attempt.username) } }
          : { ok: false, code: 'AUTHENTICATIONFAILED', text: 'Wrong name or password' },
      );
    },
    ...options,
  });
  const { port } = await shell.listen({ address: '127.0.0.1', port: 0, tls: 'implicit', ...listener });
  const { port: startTlsPort } = await shell.listen({ address: '127.0.0.1', port: 0, tls: 'starttls', ...listener });
  context.after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await shell.close('The test has ended');
  });
  const connect = async (how: RawImapOptions = {}): Promise<RawImap> => {
    const client = await RawImap.connect((how.tls ?? 'implicit') === 'implicit' ? port : startTlsPort, how);
    clients.push(client);
    return client;
  };
  const logIn = async (username = 'global'): Promise<RawImap> => {
    const client = await connect();
    const { status } = await client.login(username, 'right');
    if (status !== 'OK') throw new Error(`login of ${username} was refused`);
    return client;
  };
  return { shell, port, startTlsPort, logged, attempts, connect, logIn };
}

function recordingLog(lines: LoggedLine[]): Log {
  const record = (level: string) => (fields: object, text: string) => {
    lines.push({ level, fields: { ...fields }, text });
  };
  return { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error') };
}
