// Loads the modules of imap-core that the shell works with. The only file that names the library, so that the bundle
// (scripts/deploy/bundle.ts) can put one in its place that loads the same modules by fixed names: computed ones hide them from a
// bundler. Called by imap-core.ts.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { CoreCommandModule, CoreHandler, CoreModules } from './imap-core-types.ts';

// imap-core's library for settings reads files, arguments and environment of whoever loads it, unless told not to before.
process.env['DISABLE_WILD_CONFIG'] = 'true';
const load = createRequire(import.meta.url);
const library = dirname(load.resolve('@zone-eu/wildduck/imap-core/lib/imap-server.js'));

export const { IMAPServer } = load(join(library, 'imap-server.js')) as Pick<CoreModules, 'IMAPServer'>;
export const { IMAPConnection } = load(join(library, 'imap-connection.js')) as Pick<CoreModules, 'IMAPConnection'>;
export const { IMAPCommand } = load(join(library, 'imap-command.js')) as Pick<CoreModules, 'IMAPCommand'>;
export const handler = load(join(library, 'handler/imap-handler.js')) as CoreHandler;
export const errors = load(join(library, '../../lib/errors.js')) as { setGelf(sink: object): void };

/** The module of every command, known to us or not. */
export const commands = readdirSync(join(library, 'commands')).map(
  (file) => load(join(library, 'commands', file)) as CoreCommandModule,
);
