// CLOSE: removes what is marked \Deleted, tells nobody on this connection, and leaves the mailbox.

import type { ProtocolCommand } from './protocol-command.ts';

export const close: ProtocolCommand = {
  names: ['CLOSE'],
  states: ['Selected'],
  announces: 'never',
  handle: async (connection, { args }) => {
    if (args.length > 0) return { response: 'BAD', text: 'CLOSE takes no arguments' };
    await connection.selected?.expungeSilently();
    connection.selected = null;
    return { response: 'OK', text: 'No mailbox is selected' };
  },
};
