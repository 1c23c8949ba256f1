// The licences of the packages whose code is in the bundle, as each brings its own. Called by bundle.ts.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** All of them let their code be part of ours, under EUPL-1.2, as long as their text goes with it. */
const fitting =
  /^(MIT|MIT-0|ISC|0BSD|BSD-2-Clause|BSD-3-Clause|Apache-2\.0|EUPL-1\.[12](\+|-or-later)?|BlueOak-1\.0\.0|Unlicense)$/;

/**
 * @param inputs every file in the bundle, from the root
 * @throws Error naming the packages whose licence is unknown here; look at it before it is added to the list
 */
export async function licencesOf(root: string, inputs: readonly string[]): Promise<string> {
  const directories = new Set(inputs.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  const packages = await Promise.all([...directories].map((directory) => readPackage(join(root, directory))));
  const unknown = packages.filter(({ licence }) => !isFitting(licence));
  if (unknown.length)
    throw new Error(
      `Look at these licences: ${unknown.map(({ name, licence }) => `${name} (${licence})`).join(', ')}.`,
    );
  // One package may be there twice in the same version, below different others.
  const texts = new Map(packages.sort((a, b) => (a.name < b.name ? -1 : 1)).map((one) => [one.name, one]));
  const parts = [...texts.values()].map(
    ({ name, licence, text }) =>
      `${'='.repeat(80)}\n${name}\nLicence: ${licence}\n\n${text || 'The package has no file with its text.'}\n`,
  );
  return `Lazaretto's code contains code of the following ${texts.size} packages.\n\n${parts.join('\n')}`;
}

/** One of the alternatives is enough. */
function isFitting(licence: string): boolean {
  return licence
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some((one) => fitting.test(one));
}

interface UsedPackage {
  /** With its version. */
  name: string;
  licence: string;
  text: string;
}

async function readPackage(directory: string): Promise<UsedPackage> {
  const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const files = (await readdir(directory)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
  return {
    name: `${manifest.name} ${manifest.version}`,
    licence: manifest.license ?? 'none named',
    text: texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n'),
  };
}
