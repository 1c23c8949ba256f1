// The README of the published package: the repository's, without what concerns only those who have the repository. Called by bundle.ts.

const onlyInTheRepository = ['Try it in two minutes', 'Deploy', 'Where things are', 'Develop and test'];

const tryIt = `## Try it in two minutes

You need Node.js 24 or newer, and nothing else.

\`\`\`sh
npm install --global ./lazaretto-VERSION.tgz    # or the name that the package is published under
lazaretto demo
\`\`\`

This starts the server on 127.0.0.1 with sample messages, a mail server that takes what is released, and a filter that takes what is
taught; both print what arrives. It shows what to enter in a mail program. Ctrl-C ends the demo and removes everything.

`;

/** @throws Error when the repository's README has no longer the parts that this is made of */
export function packageReadme(readme: string): string {
  const [head = '', ...sections] = readme.split(/^(?=## )/m);
  const titleOf = (section: string): string => section.slice(3, section.indexOf('\n'));
  const missing = onlyInTheRepository.filter((title) => !sections.some((section) => titleOf(section) === title));
  if (missing.length) throw new Error(`README.md has no section ${missing.join(', ')}.`);
  const kept = sections.filter((section) => !onlyInTheRepository.includes(titleOf(section)));
  const text = [head, tryIt, ...kept]
    .join('')
    .replace(/`npm start -- X` is .*? stop on\. /s, 'As a service, start `lazaretto serve --config FILE`. ')
    .replace(' and call npm as `npm --silent start -- …`', '')
    .replaceAll('npm start -- ', 'lazaretto ')
    .replaceAll(/\bnpm start\b/g, 'lazaretto');
  const [left] = /^.*\bnpm (?!install --global).*$/m.exec(text) ?? [];
  if (left !== undefined) throw new Error(`The package's README would tell people to call npm: ${left}`);
  return text;
}
