#!/usr/bin/env node
// The command `lazaretto`. Plain JavaScript, so that a Node that is too old can read it and say so: everything else is TypeScript, which
// that Node cannot even load.
const needed = 24;

if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(
    `lazaretto: this is Node.js ${process.versions.node}, and Lazaretto needs version ${needed} or newer. ` +
      'In a checkout of Lazaretto, "npm start -- COMMAND" brings its own.\n',
  );
  process.exitCode = 1;
} else {
  // A reader that goes away (| head) is no failure of ours.
  process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  import('./program.ts').then(
    (program) => program.runProgram(process.argv.slice(2)),
    (error) => {
      const isMissing = error.code === 'ERR_MODULE_NOT_FOUND';
      const reason = isMissing ? 'a part is missing; install it again (in a checkout: npm ci)' : 'it cannot be started';
      process.stderr.write(`lazaretto: ${reason} (${error.message.split('\n')[0]}).\n`);
      if (process.env.LAZARETTO_DEBUG) process.stderr.write(`${error.stack}\n`);
      process.exitCode = 1;
    },
  );
}
