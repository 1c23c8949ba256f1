// The commands of the protocol itself, which need no store. Every shell has them (shell-state.ts), and refuses to start with
// another command of the same name.

import { authenticate } from './authenticate.ts';
import { capability } from './capability.ts';
import { close } from './close.ts';
import { enable } from './enable.ts';
import { id } from './id.ts';
import { idle } from './idle.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { namespace } from './namespace.ts';
import { noop } from './noop.ts';
import type { ProtocolCommand } from './protocol-command.ts';
import { starttls } from './starttls.ts';
import { unselect } from './unselect.ts';

export const protocolCommands: readonly ProtocolCommand[] = [
  authenticate,
  capability,
  close,
  enable,
  id,
  idle,
  login,
  logout,
  namespace,
  noop,
  starttls,
  unselect,
];
