// The house's rule of who may import whom (DESIGN section 2), as data and one pure function. Every import counts, types included: what
// one room knows of another is what makes them hard to take apart. Reads no files. Called by test/house.test.ts.

/** A source file of ours and what it imports: paths from the repository's root for files of ours, package names for the rest. */
export interface SourceFile {
  path: string;
  imports: readonly string[];
}

export interface HouseRules {
  /** Packages that are installed for those who run the program, not only for those who work on it. */
  dependencies: readonly string[];
}

/** Which paths a file may import, by where it is; the first row that fits the importing file decides. */
const rooms: readonly { from: RegExp; mayImport: RegExp; because: string }[] = [
  {
    from: /^src\/quarantine\//,
    mayImport: /^src\/quarantine\//,
    because: 'src/quarantine imports nothing else of ours',
  },
  {
    from: /^folders\//,
    mayImport: /^src\/quarantine\/folder\.ts$/,
    because: 'a definition is data and imports only the folder type',
  },
  {
    from: /^src\/settings(\.ts$|\/)/,
    mayImport: /^src\/(settings(\.ts$|\/)|languages\.ts$|quarantine\/)/,
    because: 'the settings know the domain and nobody else',
  },
  {
    from: /^src\/certificates(\.ts$|\/)/,
    mayImport: /^src\/(certificates(\.ts$|\/)|quarantine\/)/,
    because: 'the certificates know the domain and nobody else',
  },
  {
    from: /^src\/languages(\.ts$|\/)/,
    mayImport: /^src\/(languages\/|quarantine\/|edition\.ts$)/,
    because: 'a language is words for the domain',
  },
  {
    from: /^src\/net\//,
    mayImport: /^src\/(net|quarantine)\//,
    because: 'what the doors share of TCP knows the domain and neither door',
  },
  {
    from: /^src\/[^/]+\.ts$/,
    mayImport: /^(src\/(?!cli\/)|folders\/)/,
    because: 'commands call the wiring, never the other way round',
  },
  {
    from: /^src\/cli\//,
    mayImport: /^(src|folders)\//,
    because: 'src needs no scripts and no tests',
  },
  ...['storage', 'imap', 'intake', 'queue', 'targets', 'accounts', 'web'].map((edge) => ({
    from: new RegExp(`^src/${edge}/`),
    // What both kinds of doors need of TCP is no edge of its own.
    mayImport: new RegExp(`^src/(${edge}|quarantine${['imap', 'intake'].includes(edge) ? '|net' : ''})/`),
    because: 'an edge imports the domain and never another edge, the settings or the wiring',
  })),
  {
    // Tells the stories of test/ once more, on another store.
    from: /^scripts\/mongodb\/story\.test\.ts$/,
    mayImport: /^test\/story\//,
    because: 'nothing imports a test, but this one may tell the stories of test/story again',
  },
  {
    // Suites that need a MongoDB: the contracts of test/ against another driver.
    from: /^scripts\/mongodb\//,
    mayImport: /^(src|folders|scripts|test)\/(?!.*\.test\.ts$)/,
    because: 'nothing imports a test',
  },
  {
    from: /^scripts\//,
    mayImport: /^(src|folders|scripts|test\/helpers)\//,
    because: 'nothing imports a test',
  },
  { from: /^test\//, mayImport: /./, because: '' },
];

/** Packages that only some files may import. The domain knows no protocol and no database; others keep to one place to be replaceable. */
const packageHomes: readonly { name: RegExp; home: RegExp; everywhere?: true }[] = [
  { name: /^@zone-eu\/wildduck(\/|$)/, home: /^src\/imap\/imap-core-modules\.ts$/, everywhere: true },
  { name: /^node:sqlite$/, home: /^src\/storage\/sqlite\// },
  { name: /^mongodb$/, home: /^src\/storage\/mongodb\// },
  { name: /^smtp-server(\/|$)/, home: /^src\/(intake|cli)\// },
  { name: /^nodemailer(\/|$)/, home: /^src\/(targets|cli)\// },
  { name: /^(fastify|@fastify\/.*)$/, home: /^src\/web\// },
  { name: /^commander$/, home: /^src\/cli\// },
  { name: /^yaml$/, home: /^src\/settings\// },
  { name: /^pino$/, home: /^src\/(main\.ts$|cli\/)/ },
  { name: /^node:(net|tls|http|https|http2|dgram)$/, home: /^src\/(?!quarantine\/)/ },
];

/** Every broken rule as a sentence that names the file. */
export function importProblems(files: readonly SourceFile[], rules: HouseRules): string[] {
  return [...files.flatMap((file) => problemsOf(file, rules)), ...nameProblems(files), ...cycles(files)];
}

function problemsOf({ path, imports }: SourceFile, rules: HouseRules): string[] {
  const row = rooms.find(({ from }) => from.test(path));
  if (!row) return [`${path} is in no room of the house (DESIGN section 2).`];
  return imports.flatMap((imported) => {
    if (isOurs(imported)) {
      return row.mayImport.test(imported) ? [] : [`${path} imports ${imported}, but ${row.because}.`];
    }
    return packageProblems(path, imported, rules);
  });
}

function packageProblems(path: string, imported: string, { dependencies }: HouseRules): string[] {
  const isProgram = /^(src|folders)\//.test(path);
  const problems = packageHomes
    .filter(({ name, home, everywhere }) => name.test(imported) && (isProgram || everywhere) && !home.test(path))
    .map(({ home }) => `${path} imports ${imported}, which belongs to ${home.source}.`);
  const name = imported.split('/', imported.startsWith('@') ? 2 : 1).join('/');
  if (isProgram && !imported.startsWith('node:') && !dependencies.includes(name)) {
    problems.push(`${path} imports ${imported}, which is not among the dependencies of package.json.`);
  }
  return problems;
}

function nameProblems(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path }) => {
    if (/(^|\/)index\.[jt]s$/.test(path)) return [`${path} is a barrel by name: name it for what it holds.`];
    const isVague =
      path.startsWith('src/') && /(^|[-/])(utils?|helpers?|managers?|services?|misc|common)(-|\.ts$|\/)/.test(path);
    return isVague ? [`${path} has a name that tells nothing of what it holds.`] : [];
  });
}

/** One circle is reported for each file that closes one. */
function cycles(files: readonly SourceFile[]): string[] {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports.filter(isOurs)]));
  const finished = new Set<string>();
  const problems: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) problems.push(`Imports go in a circle: ${[...trail.slice(start), path].join(' → ')}.`);
    if (start >= 0 || finished.has(path)) return;
    for (const imported of importsOf.get(path) ?? []) visit(imported, [...trail, path]);
    finished.add(path);
  };
  for (const path of importsOf.keys()) visit(path, []);
  return problems;
}

function isOurs(imported: string): boolean {
  return /^(src|folders|scripts|test)\//.test(imported);
}
