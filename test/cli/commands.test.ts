import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { launcher, openLazaretto } from './lazaretto-process.ts';

test('what the command line understands, and how it ends', async (t) => {
  await using lazaretto = await openLazaretto();

  const misunderstood: [string[], RegExp][] = [
    [['fly'], /^lazaretto: there is no command "fly"; see "lazaretto --help"\.\n$/],
    [['domain', 'fly'], /^lazaretto: unknown command 'fly'\n$/],
    [['domain', 'add', 'example.com'], /^lazaretto: --deliver-to is needed/],
    [['domain', 'add', 'example.com', '--deliver-to', 'mail.example:25'], /expected smtp:\/\/host:port/],
    [
      ['domain', 'add', 'example.com', '--deliver-to', 'mx', '--retention', '14'],
      /--retention: "14" is not a duration/,
    ],
    [['domain', 'add', 'global', '--deliver-to', 'mx'], /"global" is no domain name/],
    [['account', 'add'], /missing required argument 'name'/],
    [['account', 'add', 'global', '--password', 'x'], /unknown option '--password'/],
    [['account', 'add', 'global'], /no terminal to ask for the password on; give it as one line with --password-stdin/],
    [['import', 'x.eml'], /required option '--folder <folder>' not specified/],
    [['import', '--folder', 'spam', 'x.eml'], /Allowed choices are caught, outgoing, training/],
    [['message', 'list', '--limit', 'many'], /--limit: "many" is no number/],
    [['message', 'list', '--as', 'nobody'], /--as: "nobody" is no login/],
    [['message', 'train', 'good', 'x'], /"good" is neither ham nor spam/],
    [['doctor', 'example.com', '--dns', 'mine'], /--dns: "mine" is no IP address/],
  ];
  for (const [args, expected] of misunderstood) {
    await t.test(`does not understand: ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await lazaretto.run(args);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.match(stderr, expected);
      assert.doesNotMatch(stderr, /\n +at /);
    });
  }

  const failing: [string[], RegExp][] = [
    [['message', 'show', 'nothing'], /^lazaretto: There is no message nothing\.\n$/],
    [['jobs', 'cancel', 'nothing'], /There is no message nothing/],
    [['jobs', 'retry', 'nothing'], /There is no message nothing/],
    [['domain', 'remove', 'example.com'], /There is no domain "example\.com"/],
    [['domain', 'set', 'example.com', '--quarantine', 'off'], /There is no domain "example\.com"/],
    [['account', 'passwd', 'global'], /There is no account global/],
    [
      ['account', 'add', 'alice@example.com'],
      /domain example\.com is not known here\. Add it first, with "domain add"/,
    ],
    [['doctor', 'example.com', '--json'], /^$/],
    [['domain', 'list', '--config', 'missing.yaml'], /missing\.yaml.*there is no such file/s],
    [['domain', 'list', '--config', 'itself.yaml'], /itself\.yaml: there is a file of this name already\.\n$/],
  ];
  await lazaretto.write('itself.yaml', 'dataDir: ./itself.yaml\n');
  for (const [args, expected] of failing) {
    await t.test(`fails: ${args.join(' ')}`, async () => {
      const { code, stderr } = await lazaretto.run(args);
      assert.equal(code, 1);
      assert.match(stderr, expected);
      assert.doesNotMatch(stderr, /\n +at /);
    });
  }

  for (const args of [[], ['domain', 'add'], ['account', 'add'], ['import'], ['message', 'list'], ['jobs', 'retry']]) {
    await t.test(`explains: ${args.join(' ')} --help`, async () => {
      const { code, stdout, stderr } = await lazaretto.run([...args, '--help']);
      assert.equal(code, 0);
      assert.equal(stderr, '');
      assert.match(stdout, /^Usage: lazaretto/);
      assert.match(stdout, /\n {2}--config <file> /);
      assert.match(stdout, /\nExamples:\n {2}\$ lazaretto /);
    });
  }
});

test('the launcher answers on stdout, complains on stderr and ends with 0, 1 or 2', async () => {
  await using lazaretto = await openLazaretto();
  const listed = await lazaretto.runAlone(['domain', 'list', '--json']);
  assert.deepEqual(listed, { code: 0, stdout: '[]\n', stderr: '' });
  const failed = await lazaretto.runAlone(['message', 'show', 'nothing']);
  assert.deepEqual(failed, { code: 1, stdout: '', stderr: 'lazaretto: There is no message nothing.\n' });
  assert.equal((await lazaretto.runAlone(['fly'])).code, 2);
  const debugged = await lazaretto.runAlone(['message', 'show', 'nothing'], { env: { LAZARETTO_DEBUG: '1' } });
  assert.match(debugged.stderr, /\n +at /);
});

test('a Node that is too old is told so in one sentence', async () => {
  await using lazaretto = await openLazaretto();
  const pretend = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"20.20.2"}})';
  const { code, stdout, stderr } = await lazaretto.runAlone(['domain', 'list'], { nodeOptions: ['--import', pretend] });
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^lazaretto: this is Node\.js 20\.20\.2, and Lazaretto needs version 24 or newer\. .*\n$/);
  assert.ok(launcher.endsWith('.js'), 'what an old Node must be able to read');
});

test('which settings count: --config, then LAZARETTO_CONFIG, then lazaretto.yaml here, then the defaults', async () => {
  await using lazaretto = await openLazaretto('dataDir: ./from-here\n');
  await lazaretto.write('named/option.yaml', '');
  await lazaretto.write('named/environment.yaml', 'dataDir: ./environment\n');
  const env = { LAZARETTO_CONFIG: 'named/environment.yaml' };
  const list = ['domain', 'list'];
  assert.equal((await lazaretto.runAlone(['--config', 'named/option.yaml', ...list], { env })).code, 0);
  assert.deepEqual(await stores(lazaretto.directory), ['named/data']);
  assert.equal((await lazaretto.runAlone(list, { env })).code, 0);
  assert.deepEqual(await stores(lazaretto.directory), ['named/data', 'named/environment']);
  assert.equal((await lazaretto.runAlone([...list, '--json'])).stdout, '[]\n');
  assert.deepEqual(await stores(lazaretto.directory), ['named/data', 'named/environment', 'from-here']);
  const missing = await lazaretto.runAlone(list, { env: { LAZARETTO_CONFIG: 'nowhere.yaml' } });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /nowhere\.yaml/);
  await mkdir(join(lazaretto.directory, 'empty'));
  const elsewhere = await lazaretto.runAlone(['check', '--json'], {
    nodeOptions: ['--import', 'data:text/javascript,process.chdir("empty")'],
  });
  assert.deepEqual(JSON.parse(elsewhere.stdout), { ok: true, file: null, problems: [], warnings: [] });
  assert.equal(existsSync(join(lazaretto.directory, 'empty/data')), false, 'check makes nothing');
});

async function stores(directory: string): Promise<string[]> {
  const candidates = ['named/data', 'named/environment', 'from-here', 'data'];
  return Promise.resolve(candidates.filter((name) => existsSync(join(directory, name, 'quarantine.db'))));
}

test('check reports all mistakes together, with key and line, and other commands refuse to work on them', async () => {
  await using lazaretto = await openLazaretto(
    'dataDir: 5\nimap:\n  listen:\n    - { port: 99999 }\nretension: { caught: 14d }\n',
  );
  const checked = await lazaretto.run(['check']);
  assert.equal(checked.code, 1);
  assert.equal(checked.stderr, '');
  assert.match(
    checked.stdout,
    /has 3 mistakes:\n {2}line 1: dataDir is 5.*\n {2}line 4: .*99999.*\n {2}line 5: retension/,
  );
  const { problems } = JSON.parse((await lazaretto.run(['check', '--json'])).stdout) as { problems: { key: string }[] };
  assert.deepEqual(
    problems.map(({ key }) => key),
    ['dataDir', 'imap.listen[0].port', 'retension'],
  );
  const listed = await lazaretto.run(['domain', 'list']);
  assert.equal(listed.code, 1);
  assert.match(listed.stderr, /3 mistakes/);
});

test('check also reads what the settings name: certificates', async () => {
  await using lazaretto = await openLazaretto('tls: { cert: ./cert.pem, key: ./key.pem }\n');
  await lazaretto.write('cert.pem', 'not a certificate');
  const { code, stdout } = await lazaretto.run(['check']);
  assert.equal(code, 1);
  assert.match(stdout, /certificate .*cert\.pem|private key .*key\.pem/);
});
