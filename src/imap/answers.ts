// Turns what commands return and throw into lines of the protocol: the one place where our errors become response codes
// (STYLE section 5). The texts of errors that are not meant for people never leave the log. Called by perform.ts
// and command-loop.ts.

import { PermanentError, Refusal, TemporaryError } from '../quarantine/errors.ts';
import type { Meter } from '../quarantine/meter.ts';
import type { Log } from '../quarantine/ports.ts';
import type { SessionSentences } from '../quarantine/sentences.ts';
import type { Answer } from './command.ts';

/** The other end has gone away: the command in progress ends without an answer, and nothing is logged. */
export class ConnectionGone extends Error {
  constructor() {
    super('the connection is gone');
    this.name = 'ConnectionGone';
  }
}

/** The client's fault: thrown where a command is malformed, answered BAD. */
export class BadCommand extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'BadCommand';
  }
}

/** RFC 5530 section 3: says why, so that a client can tell its user to switch encryption on. */
export function privacyRequired({ passwordInClear }: SessionSentences): Answer {
  return { response: 'NO', code: 'PRIVACYREQUIRED', text: passwordInClear };
}

/** `fields` go into the log beside the error: what a person needs to find the command, never its arguments. */
export function answerToError(error: unknown, log: Log, fields: object): Answer {
  if (error instanceof BadCommand) return { response: 'BAD', text: error.message };
  const { answer, level, said } = answerAndLine(error);
  const { code, text } = answer;
  const err = error instanceof Refusal && error.cause === undefined ? {} : { err: error };
  log[level]({ event: 'refuse', ...fields, code, text, ...err }, said);
  return { ...answer, logged: true };
}

function answerAndLine(error: unknown): { answer: Answer; level: 'info' | 'warn' | 'error'; said: string } {
  const no = (code: string, text: string): Answer => ({ response: 'NO', code, text });
  if (error instanceof Refusal)
    return { answer: no(error.code, error.message), level: 'info', said: 'command refused' };
  // RFC 5530 section 3: with UNAVAILABLE clients try again; without it Thunderbird asks for a new password at login.
  if (error instanceof TemporaryError)
    return { answer: no('UNAVAILABLE', error.message), level: 'warn', said: 'command deferred' };
  if (error instanceof PermanentError)
    return { answer: no('CANNOT', error.message), level: 'warn', said: 'command failed' };
  const text = 'Something went wrong on the server. It has been logged; please try again later.';
  return { answer: no('SERVERBUG', text), level: 'error', said: 'command ended in an unexpected error' };
}

/** For every answer that is about to be sent: a NO is counted, and has its one line in the log. */
export function noteRefusal(
  { response, code, text, logged }: Answer,
  { log, meter }: { log: Log; meter?: Meter | undefined },
  fields: object,
): void {
  if (response === 'OK') return;
  const name = response === 'BAD' ? 'BAD' : (code?.split(' ', 1)[0] ?? 'none');
  meter?.count('refusals', { protocol: 'imap', code: name });
  if (response === 'NO' && !logged) log.info({ event: 'refuse', ...fields, code, text }, 'command refused');
}

export function taggedLine(tag: string, answer: Answer): Buffer {
  const code = answer.code === undefined ? '' : `[${oneLine(answer.code)}] `;
  // RFC 3501 section 9 (resp-text): a text that began with "[" would be read as a response code.
  const text = answer.code === undefined ? oneLine(answer.text).replace(/^\[/, '(') : oneLine(answer.text);
  return Buffer.concat([
    Buffer.from(tag, 'latin1'),
    Buffer.from(` ${answer.response} ${code}${text === '' ? 'Completed' : text}\r\n`, 'utf8'),
  ]);
}

export function untaggedLine(text: string): Buffer {
  return Buffer.from(`* ${oneLine(text)}\r\n`, 'utf8');
}

/** A text that quotes a stranger (a far end's reply, a file name) must not be able to write a line of the protocol. */
function oneLine(text: string): string {
  return text.toWellFormed().replace(/[\0\r\n]+/g, ' ');
}
