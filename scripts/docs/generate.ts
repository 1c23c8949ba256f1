// Writes the tables in README.md that are generated from the code, between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->`.
//
//   node scripts/docs/generate.ts            rewrites them
//   node scripts/docs/generate.ts --check    changes nothing; exit 1 when README differs from the code
//
// Touches nothing outside the marks. `npm run check` runs it with --check.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventsTable } from './events-table.ts';
import { foldersTable } from './folders-table.ts';
import { metricsTable } from './metrics-table.ts';
import { withRegions } from './regions.ts';
import { settingsTable } from './settings-table.ts';

const root = join(import.meta.dirname, '..', '..');
const readme = join(root, 'README.md');

const before = await readFile(readme, 'utf8').catch(() => '');
const { text, problems } = await withRegions(before, {
  folders: await foldersTable(),
  settings: settingsTable(),
  metrics: metricsTable(),
  events: eventsTable(),
});
const isCheck = process.argv.includes('--check');
if (isCheck && text !== before) problems.push('README.md differs from the code: run node scripts/docs/generate.ts');
if (!isCheck && text !== before) await writeFile(readme, text);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length ? 1 : 0;
