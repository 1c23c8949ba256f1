// What run.ts needs to know of a client. One client per file beside this one.
import type { WholeServer } from './whole-server.ts';

export interface Client {
  name: string;
  /** Programs that must be installed, each with Debian's package that holds it. */
  needs: Readonly<Record<string, string>>;
  /** Drives the client against a server of its own. `tell` says in a line what was seen. Throws when something is not as it should be. */
  run(server: WholeServer, tell: (line: string) => void): Promise<void>;
}
