// What scripts/deploy/ ships cannot drift from the settings that the program reads, nor its parts from each other.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { packageReadme } from '../../scripts/deploy/bundle/package-readme.ts';
import { loadSettings } from '../../src/settings.ts';
import type { Settings } from '../../src/settings.ts';

const root = join(import.meta.dirname, '..', '..');
const shipped = (name: string): Promise<string> => readFile(join(root, 'scripts', 'deploy', name), 'utf8');

interface Compose {
  services: Record<string, { networks: { mail?: { ipv4_address: string } }; ports?: string[] }>;
}

describe('the compose file', () => {
  let settings: Settings;
  let haproxy: string;
  let addressOf: (service: string) => string;
  let scratch: string;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'lazaretto-deploy-'));
    const file = join(scratch, 'lazaretto.yaml');
    // As prepare.sh fills it in.
    const words: Record<string, string> = {
      '@HOSTNAME@': 'quarantine.example.com',
      '@MONGO_PASSWORD@': 'a1',
      '@RSPAMD_PASSWORD@': 'b2',
    };
    const template = await shipped('compose/lazaretto.yaml');
    await writeFile(
      file,
      template.replace(/^[^#].*$/gm, (line) => line.replace(/@[A-Z_]+@/g, (word) => words[word] ?? assert.fail(word))),
    );
    settings = loadSettings(file);
    haproxy = await shipped('compose/haproxy.cfg');
    const { services } = parse(await shipped('compose.yaml'), { merge: true }) as Compose;
    addressOf = (service) => services[service]?.networks.mail?.ipv4_address ?? assert.fail(`${service} has no address`);
  });
  after(() => rm(scratch, { recursive: true, force: true }));

  test('has settings that the program takes, for a store that several processes share', () => {
    assert.equal(settings.hostname, 'quarantine.example.com');
    assert.match(settings.store, /^mongodb:\/\/lazaretto:a1@mongo1,mongo2,mongo3\//);
  });

  test('lets HAProxy speak for clients, and Postfix hand mail in, and nobody else', async () => {
    const text = (await shipped('compose/lazaretto.yaml')).replaceAll(/^#.*$/gm, '');
    assert.deepEqual(new Set(text.match(/172\.30\.24\.\d+/g)), new Set([addressOf('haproxy'), addressOf('postfix')]));
    assert.match(text, new RegExp(`trustedProxies: \\[${addressOf('haproxy')}\\]`));
    assert.ok(settings.intake.length === 3 && settings.imap.listen.length === 2);
    for (const { proxyProtocol } of [...settings.intake, ...settings.imap.listen]) assert.equal(proxyProtocol, true);
  });

  test('leads from each port of HAProxy to the same port of both processes', () => {
    const ports = [...settings.imap.listen, ...settings.intake].map(({ port }) => port);
    for (const port of ports) {
      assert.match(haproxy, new RegExp(`^  bind :${port}$`, 'm'));
      for (const process of ['lazaretto1', 'lazaretto2'])
        assert.match(haproxy, new RegExp(`^  server ${process} ${addressOf(process)}:${port}$`, 'm'));
    }
    assert.equal(haproxy.match(/^ {2}bind :/gm)?.length, ports.length);
    assert.match(haproxy, new RegExp(`check port ${settings.http.port} `));
  });

  test('lets only the two processes deliver released mail through Postfix', async () => {
    const master = await shipped('compose/postfix/master.cf');
    assert.match(master, new RegExp(`mynetworks=${addressOf('lazaretto1')},${addressOf('lazaretto2')}$`, 'm'));
  });
});

test('the README of the published package tells how to call that package', async () => {
  const readme = packageReadme(await readFile(join(root, 'README.md'), 'utf8'));
  assert.match(readme, /^lazaretto domain add example\.com/m);
  assert.match(readme, /^## Settings$/m);
  assert.doesNotMatch(readme, /npm start|npm ci|^## Deploy$/m);
});
