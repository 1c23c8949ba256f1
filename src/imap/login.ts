// LOGIN: name and password as strings of any form. Everything that matters happens in connection.logIn, which
// AUTHENTICATE shares.

import { textOf } from './arguments.ts';
import type { ProtocolCommand } from './protocol-command.ts';

export const login: ProtocolCommand = {
  names: ['LOGIN'],
  states: ['Not Authenticated'],
  announces: 'never',
  handle: async (connection, { args }) => {
    const username = textOf(args[0]);
    const password = textOf(args[1]);
    if (args.length !== 2 || username === null || password === null) {
      return { response: 'BAD', text: 'LOGIN takes a name and a password' };
    }
    return connection.logIn(username, password);
  },
};
