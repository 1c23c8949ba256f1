// UNSELECT (RFC 3691): leaves the mailbox and expunges nothing.

import type { ProtocolCommand } from './protocol-command.ts';

export const unselect: ProtocolCommand = {
  names: ['UNSELECT'],
  states: ['Selected'],
  announces: 'never',
  handle: async (connection, { args }) => {
    if (args.length > 0) return { response: 'BAD', text: 'UNSELECT takes no arguments' };
    connection.selected = null;
    return { response: 'OK', text: 'No mailbox is selected' };
  },
};
