// Takes the arguments of a command for what they must be, or throws BadCommand with a sentence that names what was
// expected. Never quotes what the client sent, which may be a password or a private address. Called by every command.

import { decodeText } from './arguments.ts';
import { BadCommand } from './answers.ts';
import type { Argument } from './command.ts';
import { readMailboxName } from './mailbox-name.ts';
import { parseSequenceSet } from './sequence-set.ts';
import type { SequenceSet } from './sequence-set.ts';

type Received = Argument | undefined;

/** A string in any of its three forms, one byte per character. `what` begins the sentence: `The mailbox name`. */
export function readAstring(argument: Received, what: string): string {
  return textArgument(argument, what, 'a string').value;
}

/** The same as text. Bytes that are no UTF-8 are taken for Latin-1. */
export function readText(argument: Received, what: string): string {
  return decodeText(Buffer.from(readAstring(argument, what), 'latin1'));
}

/** A string in quotes or a literal, or NIL for null. */
export function readNstring(argument: Received, what: string): string | null {
  return argument?.kind === 'nil' ? null : textArgument(argument, what, 'a string or NIL').value;
}

/** A word of the protocol, in capitals. */
export function readAtom(argument: Received, what: string): string {
  const { kind, value } = textArgument(argument, what, 'a word');
  if (kind !== 'atom') throw new BadCommand(`${what} must be a word without quotes`);
  return value.toUpperCase();
}

/** 0 to 4294967295. */
export function readNumber(argument: Received, what: string): number {
  const { kind, value } = textArgument(argument, what, 'a number');
  const number = Number(value);
  if (kind !== 'atom' || !/^\d{1,10}$/.test(value) || number > 4294967295) {
    throw new BadCommand(`${what} must be a number from 0 to 4294967295`);
  }
  return number;
}

/** The name that was meant, whatever its spelling; INBOX in capitals. */
export function readMailbox(argument: Received): string {
  return readMailboxName(readAstring(argument, 'The mailbox name'));
}

export function readSequenceSet(argument: Received): SequenceSet {
  const { kind, value } = textArgument(argument, 'The message set', 'a set such as 1:3,5,7:*');
  const set = kind === 'atom' ? parseSequenceSet(value) : null;
  if (set === null) throw new BadCommand('The message set must be a set such as 1:3,5,7:*');
  return set;
}

export function readList(argument: Received, what: string): readonly Argument[] {
  if (argument === undefined) throw new BadCommand(`${what} is missing`);
  if (argument.kind !== 'list') throw new BadCommand(`${what} must be a list in parentheses`);
  return argument.items;
}

/** Throws when there are more arguments than the command takes: the client means something that we do not know. */
export function readNoMore(args: readonly Argument[], expected: number): void {
  if (args.length > expected) throw new BadCommand(`Too many arguments: ${expected} expected, not ${args.length}`);
}

function textArgument(argument: Received, what: string, expected: string): Extract<Argument, { value: string }> {
  if (argument === undefined) throw new BadCommand(`${what} is missing`);
  if ('value' in argument) return argument;
  const received = { nil: 'NIL', list: 'a list', section: 'a section' }[argument.kind];
  throw new BadCommand(`${what} must be ${expected}, not ${received}`);
}
