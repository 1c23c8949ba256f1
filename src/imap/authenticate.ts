// AUTHENTICATE PLAIN (RFC 4616), with an initial response (RFC 4959) or without. No other mechanism is offered.

import { decodeText, stringOf } from './arguments.ts';
import { BadCommand, privacyRequired } from './answers.ts';
import type { ProtocolCommand } from './protocol-command.ts';

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const authenticate: ProtocolCommand = {
  names: ['AUTHENTICATE PLAIN'],
  states: ['Not Authenticated'],
  announces: 'never',
  handle: async (connection, { args }) => {
    const initial = stringOf(args[0]);
    if (args.length > 1 || (args.length === 1 && initial === null)) {
      return { response: 'BAD', text: 'AUTHENTICATE PLAIN takes one initial response at most' };
    }
    // Refused before the prompt: a client that waits for it has then not yet sent the password in clear.
    if (!connection.secure) return privacyRequired(connection.sentences);
    if (initial === null) await connection.prompt('');
    const response = initial ?? (await connection.readLine());
    // RFC 9051 section 6.2.2: how a client cancels.
    if (response === '*') return { response: 'BAD', text: 'Authentication was cancelled' };
    const [authorizationId = '', username = '', password = ''] = plainMessage(response);
    // RFC 4616 section 2: to act for somebody else is a right that nobody has here.
    if (authorizationId !== '' && authorizationId !== username) {
      return { response: 'NO', code: 'AUTHORIZATIONFAILED', text: 'You can log in as yourself only.' };
    }
    return connection.logIn(username, password);
  },
};

function plainMessage(response: string): string[] {
  // RFC 4959 section 3: a single "=" is an initial response of no bytes.
  const encoded = response === '=' ? '' : response;
  if (!base64.test(encoded)) throw new BadCommand('The response is not valid base64');
  const parts = decodeText(Buffer.from(encoded, 'base64')).split('\0');
  if (parts.length !== 3) throw new BadCommand('PLAIN takes an authorization identity, a name and a password');
  return parts;
}
