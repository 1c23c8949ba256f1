// LOGOUT.

import type { ProtocolCommand } from './protocol-command.ts';
import { anyState } from './protocol-command.ts';

export const logout: ProtocolCommand = {
  names: ['LOGOUT'],
  states: anyState,
  announces: 'never',
  handle: async (connection, { args }) => {
    if (args.length > 0) return { response: 'BAD', text: 'LOGOUT takes no arguments' };
    connection.afterAnswer(() => connection.close());
    await connection.write('* BYE Logging out\r\n');
    return { response: 'OK', text: 'Goodbye' };
  },
};
