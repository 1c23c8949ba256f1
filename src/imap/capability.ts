// CAPABILITY, and the list itself, which also stands in the greeting and in the answer to a login. What is missing here
// is missing on purpose; the reasons stand in the documents about clients: with LIST-STATUS or ACL clients refuse drops or show ghosts,
// UTF8=ACCEPT changes the spelling of mailbox names, QUOTA and COMPRESS cost and gain nothing.

import type { ProtocolCommand } from './protocol-command.ts';
import { anyState } from './protocol-command.ts';

const afterLogin =
  'SASL-IR IDLE NAMESPACE CHILDREN UIDPLUS MOVE UNSELECT ENABLE SPECIAL-USE LIST-EXTENDED XLIST APPENDLIMIT=';

export function capabilitiesOf(connection: { secure: boolean; loggedIn: boolean }, maxMessageBytes: number): string {
  if (connection.loggedIn) return `IMAP4rev1 ID LITERAL+ ${afterLogin}${maxMessageBytes}`;
  // RFC 9051 section 6.2.3: no password may be sent in clear, and clients are told so before they try.
  return `IMAP4rev1 ID LITERAL+ ${connection.secure ? 'SASL-IR AUTH=PLAIN' : 'STARTTLS LOGINDISABLED'}`;
}

export const capability: ProtocolCommand = {
  names: ['CAPABILITY'],
  states: anyState,
  announces: 'always',
  handle: async (connection, { args }) => {
    if (args.length > 0) return { response: 'BAD', text: 'CAPABILITY takes no arguments' };
    await connection.write(`* CAPABILITY ${connection.capabilities}\r\n`);
    return { response: 'OK', text: 'Capabilities listed' };
  },
};
