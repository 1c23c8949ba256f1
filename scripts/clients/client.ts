// What run.ts needs to know of a client. One client per file beside this one.

/** Says in a line what was seen. */
export type Tell = (line: string) => void;

export interface Client {
  name: string;
  /** Programs that must be installed, each with Debian's package that holds it. */
  needs: Readonly<Record<string, string>>;
  /** As the program itself says it. */
  version(): Promise<string>;
  /** Drives the client against a server of its own. Throws when something is not as it should be. */
  run(tell: Tell): Promise<void>;
}
