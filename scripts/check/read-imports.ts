// Finds the source files of the repository and what each imports, with the TypeScript parser's own scan: imports, re-exports, import() and
// the files that workers are started from. Called by test/house.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import ts from 'typescript';
import type { SourceFile } from './import-rules.ts';

export function readSourceFiles(root: string): SourceFile[] {
  return ['src', 'folders', 'test', 'scripts'].flatMap((room) =>
    readdirSync(join(root, room), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name))
      .map((entry) => {
        const file = join(entry.parentPath, entry.name);
        const path = relative(root, file).split(sep).join('/');
        return { path, imports: importsOf(path, readFileSync(file, 'utf8')) };
      }),
  );
}

/** Relative imports are told from the root. */
export function importsOf(path: string, text: string): string[] {
  const imported = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  const workers = [...text.matchAll(/new URL\(\s*['"](\.[^'"]+\.[jt]s)['"],\s*import\.meta\.url/g)].map(
    (match) => match[1] ?? '',
  );
  return [...new Set([...imported, ...workers])].map((name) =>
    name.startsWith('.') ? posix.join(dirname(path), name) : name,
  );
}
