// The languages that the quarantine speaks to people in their mail programs: one file for each in languages/, named by its language tag.
// Adding a file there adds a language. Which one is spoken is a setting. Called by settings.ts and open-quarantine.ts.
import { readdirSync } from 'node:fs';
import { sourceEnding } from './edition.ts';
import type { Sentences } from './quarantine/sentences.ts';

const directory = new URL('./languages/', import.meta.url);

/** Tags (RFC 5646), as the settings name them. */
export const languageNames: readonly string[] = readdirSync(directory)
  .filter((name) => name.endsWith(sourceEnding))
  .map((name) => name.slice(0, -sourceEnding.length))
  .sort();

/** @throws Error when there is no such file, or it holds no language */
export async function loadLanguage(name: string): Promise<Sentences> {
  const file = `${name}${sourceEnding}`;
  const module = (await import(new URL(file, directory).href)) as { default?: unknown };
  if (!isLanguage(module.default)) throw new Error(`languages/${file} does not export a language as its default.`);
  return module.default;
}

// That nothing is missing in it is the compiler's business.
function isLanguage(value: unknown): value is Sentences {
  return typeof value === 'object' && value !== null && 'tag' in value && 'refusals' in value;
}
