// ENABLE (RFC 5161): nothing of ours can be enabled, and that is a proper answer. K-9 sends ENABLE UTF8=ACCEPT to
// everybody who offers ENABLE.

import { stringOf } from './arguments.ts';
import type { ProtocolCommand } from './protocol-command.ts';
import { loggedInStates } from './protocol-command.ts';

export const enable: ProtocolCommand = {
  names: ['ENABLE'],
  // RFC 5161 section 3.1 allows it before a mailbox is selected only; no harm comes from answering it later.
  states: loggedInStates,
  announces: 'always',
  handle: async (connection, { args }) => {
    if (args.length === 0 || args.some((argument) => stringOf(argument) === null)) {
      return { response: 'BAD', text: 'ENABLE takes the names of extensions' };
    }
    await connection.write('* ENABLED\r\n');
    return { response: 'OK', text: 'Nothing to enable' };
  },
};
