// `lazaretto demo`: a quarantine to try out, with everything around it, until Ctrl-C. Called by program.ts.
import { join } from 'node:path';
import type { Command } from 'commander';
import { writeOut } from './answer.ts';
import { openDemoLog } from './demo/demo-log.ts';
import { openDemoDirectory } from './demo/directory.ts';
import { UsageError } from './failures.ts';
import { examples } from './help-text.ts';
import { onStopSignal } from './stop-signal.ts';

interface DemoCommandOptions {
  dir?: string;
  keep?: boolean;
  freePorts?: boolean;
}

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('try it out: everything on this machine, with sample mail')
    .option('--keep', 'leave the directory behind, and say where it is')
    .option('--dir <directory>', 'use this directory, and keep it; again: go on with it')
    .option('--free-ports', 'listen on any free ports instead of 9993, 9143, 2424 to 2426 and 8080')
    .addHelpText(
      'after',
      `
Listens on 127.0.0.1 only. Ctrl-C ends it and removes everything; a second one
ends it at once.
${examples('demo', 'demo --dir ./demo')}`,
    )
    .action(async (options: DemoCommandOptions, command: Command) => {
      if (command.optsWithGlobals<{ config?: string }>().config !== undefined)
        throw new UsageError('the demo has settings of its own and takes no --config.');
      await runDemo(options);
    });
}

async function runDemo(options: DemoCommandOptions): Promise<void> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  // Before the start, so that a signal that comes meanwhile still ends it in good order.
  onStopSignal(stop);
  stopWithNpm(stop);
  const directory = await openDemoDirectory(options);
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  const log = openDemoLog(join(directory.path, 'lazaretto.log'), tell);
  // Only now, so that the other commands do not load the whole server.
  const { startDemo } = await import('./demo/start-demo.ts');
  const { welcome } = await import('./demo/welcome.ts');
  const demo = await startDemo({
    directory: directory.path,
    useFreePorts: options.freePorts === true,
    log,
    tell,
  });
  await writeOut(`${welcome(demo)}\n`);
  log.nowReady();
  await stopped;
  await demo.close();
  log.close();
  tell(
    directory.isKept
      ? `Stopped. Kept in ${directory.path}; --dir goes on with it.`
      : 'Stopped. Nothing of the demo is left.',
  );
}

/** npm, told to end, ends its shell and not us; a demo that nobody sees any more would go on holding its ports. */
function stopWithNpm(stop: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    stop();
  }, 1_000);
  watch.unref();
}
