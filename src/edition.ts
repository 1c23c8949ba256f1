// Which edition of the program runs: the repository's TypeScript, or the JavaScript that scripts/deploy/bundle.ts makes of it. They differ
// in nothing but names of files, and in how the program is called. Asked by what loads files by name and by what tells people to type.

/** Of every source file of ours. */
export const sourceEnding = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

/** What to type before a command's name. */
export const programName = sourceEnding === '.ts' ? 'npm start --' : 'lazaretto';
