// The version of package.json, for the log and for clients that ask (ID).
import { readFileSync } from 'node:fs';

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const isVersioned = (value: unknown): value is { version: string } =>
    typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'string';
  if (!isVersioned(manifest)) throw new Error('package.json holds no version');
  return manifest.version;
}

export const version = readVersion();
