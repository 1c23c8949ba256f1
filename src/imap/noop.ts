// NOOP and CHECK: nothing is done, and what has changed in the selected mailbox is announced. CHECK asks that a mailbox
// be made durable, which it always is.

import type { ProtocolCommand } from './protocol-command.ts';
import { anyState } from './protocol-command.ts';

export const noop: ProtocolCommand = {
  names: ['NOOP', 'CHECK'],
  states: anyState,
  announces: 'always',
  handle: async (connection, { name, args }) => {
    if (args.length > 0) return { response: 'BAD', text: `${name} takes no arguments` };
    if (name === 'CHECK' && connection.selected === null) return { response: 'BAD', text: 'No mailbox is selected' };
    return { response: 'OK', text: `${name} completed` };
  },
};
