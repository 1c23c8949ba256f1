// STARTTLS: from here on the connection is encrypted. Nothing that was said before counts afterwards; above all no
// command that somebody slipped in behind STARTTLS in clear.

import type { ProtocolCommand } from './protocol-command.ts';

export const starttls: ProtocolCommand = {
  names: ['STARTTLS'],
  states: ['Not Authenticated'],
  announces: 'never',
  handle: async (connection, { args }) => {
    if (args.length > 0) return { response: 'BAD', text: 'STARTTLS takes no arguments' };
    if (connection.secure) return { response: 'BAD', text: 'TLS is active already' };
    connection.afterAnswer(() => connection.startTls());
    return { response: 'OK', text: 'Begin TLS negotiation now' };
  },
};
