// ID (RFC 2971): says who we are and notes in the log which mail program is calling, because the first question to a user
// in trouble is "which program?". What a client says is never believed and never decides anything.

import type { Argument } from './command.ts';
import { textOf } from './arguments.ts';
import type { ProtocolCommand } from './protocol-command.ts';
import { anyState } from './protocol-command.ts';

const wellKnown = ['name', 'version', 'vendor', 'os', 'os-version'];

export const id: ProtocolCommand = {
  names: ['ID'],
  states: anyState,
  announces: 'always',
  handle: async (connection, { args }) => {
    const [parameters] = args;
    if (args.length !== 1 || (parameters?.kind !== 'list' && parameters?.kind !== 'nil')) {
      return { response: 'BAD', text: 'ID takes NIL or a list of fields and values' };
    }
    if (parameters.kind === 'list') {
      const description = describeClient(parameters.items);
      if (description === null) return { response: 'BAD', text: 'The list of ID holds pairs of strings' };
      connection.log.noteClient(description);
    }
    await connection.write(`* ID ("name" "Lazaretto" "version" "${connection.version.replace(/["\\]/g, '\\$&')}")\r\n`);
    return { response: 'OK', text: 'ID completed' };
  },
};

/** Null when the list is not made of names with a string or NIL (RFC 2971 section 4: a value may be NIL). */
function describeClient(items: readonly Argument[]): string | null {
  if (items.length % 2 !== 0) return null;
  const said: string[] = [];
  for (let at = 0; at < items.length; at += 2) {
    const field = textOf(items[at]);
    const value = items[at + 1];
    if (field === null || (value?.kind !== 'nil' && textOf(value) === null)) return null;
    const text = textOf(value);
    if (text !== null && wellKnown.includes(field.toLowerCase())) said.push(`${field.toLowerCase()}=${text}`);
  }
  return said
    .join(' ')
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, 200);
}
