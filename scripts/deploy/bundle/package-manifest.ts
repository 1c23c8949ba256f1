// The package.json of the published package: no dependencies, because they are in its code, and no scripts. Called by bundle.ts.

export interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  engines: Record<string, string>;
}

export function packageManifest({ name, version, description, license, engines }: Manifest): object {
  return {
    name,
    version,
    description,
    keywords: ['imap', 'quarantine', 'spam', 'rspamd', 'postfix', 'mail'],
    license,
    type: 'module',
    engines,
    bin: { lazaretto: 'lib/lazaretto.js' },
    files: ['lib', 'folders', 'THIRD-PARTY-LICENCES.txt'],
  };
}
