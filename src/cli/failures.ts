// What went wrong, in one sentence for the person at the terminal, and the exit code. Called by program.ts, and thrown by commands.
import { CertificateError } from '../certificates/pair.ts';
import { PermanentError, Refusal, TemporaryError } from '../quarantine/errors.ts';
import { SettingsError } from '../settings/problems.ts';

/** The command was not written as it should be: exit code 2. */
export class UsageError extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'UsageError';
  }
}

/** The command was understood and could not be done, or not for everything that it named: exit code 1. */
export class CommandFailed extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'CommandFailed';
  }
}

export function explain(error: unknown): { text: string; exitCode: 1 | 2 } {
  if (error instanceof UsageError) return { text: error.message, exitCode: 2 };
  return { text: sentence(error), exitCode: 1 };
}

function sentence(error: unknown): string {
  const isOurs =
    error instanceof CommandFailed ||
    error instanceof Refusal ||
    error instanceof TemporaryError ||
    error instanceof PermanentError ||
    error instanceof CertificateError ||
    error instanceof SettingsError;
  const text = error instanceof Error ? error.message : String(error);
  if (isOurs) return withCause(text, error.cause);
  if (error instanceof Error && 'code' in error && 'path' in error) return fileSentence(text, error);
  if (error instanceof Error && 'code' in error && 'port' in error) return listenSentence(text, error);
  return process.env.LAZARETTO_DEBUG ? text : `${text} (LAZARETTO_DEBUG=1 shows where)`;
}

// Whoever runs commands may know what lies underneath, unlike the people who use a mail program.
function withCause(text: string, cause: unknown): string {
  if (!(cause instanceof Error) || text.includes(cause.message)) return text;
  return `${text} (${cause.message})`;
}

function fileSentence(text: string, { code, path }: { code: unknown; path: unknown }): string {
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file or directory',
    EEXIST: 'there is a file of this name already',
    EACCES: 'permission is denied',
    EISDIR: 'it is a directory',
    ENOTDIR: 'part of the path is no directory',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
  };
  const reason = reasons[String(code)];
  return reason ? `${String(path)}: ${reason}.` : text;
}

function listenSentence(text: string, error: Error & { code: unknown; port: unknown }): string {
  const address = 'address' in error ? ` of ${String(error.address)}` : '';
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program listens there already',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'this user may not; ports below 1024 need root or CAP_NET_BIND_SERVICE',
  };
  const reason = reasons[String(error.code)];
  return reason ? `Port ${String(error.port)}${address} cannot be opened: ${reason}.` : text;
}
