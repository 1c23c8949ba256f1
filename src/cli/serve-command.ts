// `lazaretto serve`, also without a command: runs the server until it is told to stop. Called by program.ts.
import type { Command } from 'commander';
import { pino } from 'pino';
import { settingsOf } from './command-context.ts';
import { UsageError } from './failures.ts';
import { examples } from './help-text.ts';
import { onStopSignal } from './stop-signal.ts';

/** Sessions have six seconds (main.ts); a store that does not answer must not make a supervisor use force (systemd, Docker). */
const stopMs = 12_000;

export function addServeCommand(program: Command): void {
  program
    .command('serve', { isDefault: true })
    .description('run the server (the default command); logs JSON lines to stdout')
    .allowExcessArguments()
    .addHelpText(
      'after',
      `
Ctrl-C or SIGTERM ends it: what is under way is finished, new work is left.
A second one ends it at once; nothing is lost.
${examples('serve', 'serve --config /etc/lazaretto.yaml')}`,
    )
    .action(async (_options: object, command: Command) => {
      // Every word that is no command ends up here, because this is the default.
      const [word] = command.args;
      if (word !== undefined) throw new UsageError(`there is no command "${word}"; see "lazaretto --help".`);
      const settings = settingsOf(command);
      const { serve } = await import('../main.ts');
      const log = pino({ level: settings.log.level, base: undefined });
      const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
      // Before the start, so that a signal that comes meanwhile still ends it in good order.
      onStopSignal(stop);
      const server = await serve(settings, log);
      await stopped;
      setTimeout(() => {
        log.warn(
          { event: 'stopping' },
          'not everything came to its end in time; the rest is left as it is, nothing is lost',
        );
        process.exit(1);
      }, stopMs).unref();
      await server.close();
    });
}
