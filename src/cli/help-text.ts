// The examples under a command's options. Called by the commands.

/** For commander's addHelpText('after', …): each line as it would be typed, the name of the program left out. */
export function examples(...lines: readonly string[]): string {
  const title = lines.length === 1 ? 'Example' : 'Examples';
  return `\n${title}:\n${lines.map((line) => `  $ lazaretto ${line}`).join('\n')}`;
}

/** What a message's id looks like. */
export const exampleId = '0199a2b3c4d5e6f7a8b9c0d1e2f3a4';
