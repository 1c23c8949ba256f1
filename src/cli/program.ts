// The command line: which commands there are, and how they end. Exit codes: 0 done, 1 failed, 2 not understood.
// Called by lazaretto.js, the only entry.
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { version } from '../version.ts';
import { addAccountCommands } from './account-commands.ts';
import { addCheckCommand } from './check-command.ts';
import { addDemoCommand } from './demo.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addDomainCommands } from './domain-commands.ts';
import { explain } from './failures.ts';
import { examples } from './help-text.ts';
import { addImportCommand } from './import-command.ts';
import { addJobCommands } from './job-commands.ts';
import { addMessageCommands } from './message-commands.ts';
import { addServeCommand } from './serve-command.ts';
import { addStoreCommands } from './store-commands.ts';

const helpText = `${examples(
  'domain add example.com --deliver-to smtp://10.0.0.5:25',
  'account add alice@example.com',
  'serve --config /etc/lazaretto.yaml',
  'message list --domain example.com',
  'domain add --help     the options of one command',
)}

Exit codes: 0 done, 1 failed, 2 the command was not understood.`;

/** Never rejects; sets the process's exit code. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = endOf(error);
  }
}

/** Tells what went wrong; answers the exit code. */
function endOf(error: unknown): number {
  // Commander has told it already, or showed the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const { text, exitCode } = explain(error);
  process.stderr.write(`lazaretto: ${text}\n`);
  if (process.env.LAZARETTO_DEBUG) process.stderr.write(`${inspect(error)}\n`);
  return exitCode;
}

function createProgram(): Command {
  const program = new Command('lazaretto')
    .description('IMAP quarantine: people look through caught mail in their own mail program.')
    .usage('[--config FILE] [COMMAND] [OPTIONS]')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .option('--config <file>', 'settings file (default: ./lazaretto.yaml, or LAZARETTO_CONFIG)')
    .option('--json', 'answer in JSON, for scripts')
    .configureHelp({ showGlobalOptions: true, helpWidth: 80 })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'lazaretto: ')) })
    .exitOverride()
    .addHelpText('after', helpText);
  addServeCommand(program);
  addDemoCommand(program);
  addCheckCommand(program);
  addDomainCommands(program);
  addAccountCommands(program);
  addImportCommand(program);
  addMessageCommands(program);
  addJobCommands(program);
  addStoreCommands(program);
  addDoctorCommand(program);
  return program;
}
