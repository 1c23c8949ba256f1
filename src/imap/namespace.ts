// NAMESPACE (RFC 2342): one personal namespace without a prefix. Outlook takes the root folder path from it, and with any
// other answer its folders stay empty.

import { hierarchyDelimiter } from './list-pattern.ts';
import type { ProtocolCommand } from './protocol-command.ts';
import { loggedInStates } from './protocol-command.ts';

export const namespace: ProtocolCommand = {
  names: ['NAMESPACE'],
  states: loggedInStates,
  announces: 'always',
  handle: async (connection, { args }) => {
    if (args.length > 0) return { response: 'BAD', text: 'NAMESPACE takes no arguments' };
    await connection.write(`* NAMESPACE (("" "${hierarchyDelimiter}")) NIL NIL\r\n`);
    return { response: 'OK', text: 'NAMESPACE completed' };
  },
};
