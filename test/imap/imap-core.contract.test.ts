// What we rely on in imap-core, which has no types and changes its inside even between patch versions. When this fails after an update,
// src/imap/imap-core.ts and imap-core-types.ts have to be read again.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startShell } from '../helpers/imap-shell.ts';
import { RawImap } from '../helpers/raw-imap.ts';

const require = createRequire(import.meta.url);
const root = dirname(require.resolve('@zone-eu/wildduck/package.json'));
const run = promisify(execFile);

interface PackageFile {
  name?: string;
  version?: string;
  dependencies?: Record<string, string>;
}

function readPackage(directory: string): PackageFile {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageFile;
}

function memberNames(module: unknown): string[] {
  const { prototype } = module as { prototype: object };
  return Object.getOwnPropertyNames(prototype);
}

function loadMember(file: string, member: string): unknown {
  return (require(join(root, file)) as Record<string, unknown>)[member];
}

/** The name in the package.json next above a file. */
function packageOf(file: string): string | undefined {
  for (let directory = dirname(file); directory !== dirname(directory); directory = dirname(directory)) {
    try {
      const { name } = readPackage(directory);
      if (name !== undefined) return name;
    } catch {
      // None here.
    }
  }
  return undefined;
}

describe('imap-core', { timeout: 30_000 }, () => {
  test('is exactly the version that was read', () => {
    const ours = readPackage(new URL('../..', import.meta.url).pathname);
    assert.equal(readPackage(root).version, '1.51.1');
    assert.equal(ours.dependencies?.['@zone-eu/wildduck'], '1.51.1');
  });

  test('loads and works without a single one of the packages that were replaced by nothing', async (context) => {
    const { logIn, connect } = await startShell(context);
    await (await logIn()).command('NOOP');
    await (await connect({ tls: 'starttls' })).command('FOO');
    const loaded = Object.keys(require.cache).filter((file) => file.includes('node_modules'));
    assert.ok(loaded.some((file) => file.endsWith('imap-core/lib/imap-command.js')));
    assert.deepEqual(
      loaded.filter((file) => packageOf(file) === 'empty-npm-package'),
      [],
    );
  });

  test('has the inside that we rely on', () => {
    const server = memberNames(loadMember('imap-core/lib/imap-server.js', 'IMAPServer'));
    for (const member of ['connect', '_handleProxy', '_onError']) assert.ok(server.includes(member), member);
    const connection = memberNames(loadMember('imap-core/lib/imap-connection.js', 'IMAPConnection'));
    for (const member of [
      'send',
      'close',
      '_onCommand',
      'setupNotificationListener',
      'clearNotificationListener',
      'emitNotifications',
    ]) {
      assert.ok(connection.includes(member), member);
    }
    const command = memberNames(loadMember('imap-core/lib/imap-command.js', 'IMAPCommand'));
    for (const member of ['append', 'end', 'validateCommand', 'countBadResponses']) {
      assert.ok(command.includes(member), member);
    }
    assert.equal(typeof loadMember('imap-core/lib/handler/imap-handler.js', 'parser'), 'function');
    assert.equal(typeof loadMember('lib/errors.js', 'setGelf'), 'function');
    const commands = readdirSync(join(root, 'imap-core/lib/commands'));
    assert.ok(commands.length >= 36 && commands.every((file) => file.endsWith('.js')));
  });

  const known = [
    'NOOP CAPABILITY LOGOUT ID STARTTLS LOGIN NAMESPACE LIST XLIST LSUB SUBSCRIBE UNSUBSCRIBE CREATE DELETE RENAME SELECT',
    'EXAMINE IDLE CHECK STATUS APPEND STORE EXPUNGE CLOSE UNSELECT COPY MOVE FETCH SEARCH ENABLE',
  ]
    .join(' ')
    .split(' ');
  const withUid = ['STORE', 'EXPUNGE', 'COPY', 'MOVE', 'FETCH', 'SEARCH'].map((name) => `UID ${name}`);
  test('lets every command through that we answer', async (context) => {
    const mine = [...known, ...withUid];
    const ours = [
      'NOOP',
      'CAPABILITY',
      'LOGOUT',
      'ID',
      'STARTTLS',
      'LOGIN',
      'NAMESPACE',
      'IDLE',
      'CHECK',
      'CLOSE',
      'UNSELECT',
      'ENABLE',
    ];
    const names = mine.filter((name) => !ours.includes(name));
    const { logIn } = await startShell(context, {
      commands: [
        {
          names,
          states: ['Authenticated'],
          announces: 'never',
          handle: (_connection, { name, uid }) =>
            Promise.resolve({ response: 'OK', text: `${uid ? 'UID ' : ''}${name} is ours` }),
        },
      ],
    });
    const client = await logIn();
    for (const name of names) assert.equal((await client.command(name)).text, `${name} is ours`);
  });

  test('reads no settings of its own when it is loaded', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lazaretto-contract-'));
    try {
      mkdirSync(join(directory, 'config'));
      writeFileSync(join(directory, 'config/default.js'), 'process.stdout.write("settings were read");');
      const script = `
        await import(${JSON.stringify(new URL('../../src/imap/imap-core.ts', import.meta.url).href)});
        process.stdout.write('loaded');
      `;
      const options = { cwd: directory };
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], options);
      assert.equal(stdout, 'loaded');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('sends what it reports to our log, without the payload', async (context) => {
    const { logged } = await startShell(context);
    const errors = require(join(root, 'lib/errors.js')) as { notify(error: Error, more: object): void };
    errors.notify(new Error('something'), { payload: 'a LOGIN alice s3cret' });
    const [entry] = logged.filter(({ text }) => text === 'imap-core reports a problem');
    assert.match(String(entry?.fields['problem']), /something/);
    assert.ok(!JSON.stringify(logged).includes('s3cret'));
  });

  test('listens without Nagle, and without waking up phones every few seconds', async (context) => {
    const createServer = context.mock.method(net, 'createServer');
    const keepAlive = context.mock.method(net.Socket.prototype, 'setKeepAlive');
    const { connect } = await startShell(context);
    await connect();
    await connect({ tls: 'starttls' });
    const options = createServer.mock.calls.map(({ arguments: [first] }) => first as { noDelay?: boolean });
    assert.deepEqual(
      options.map(({ noDelay }) => noDelay),
      [true, true],
    );
    const sockets = new Map(keepAlive.mock.calls.map((call) => [call.this, call.arguments[0]]));
    assert.deepEqual([...sockets.values()], [false, false]);
  });

  test('does not end the process when a client resets or leaves before it is looked at', async (context) => {
    const createServer = context.mock.method(net, 'createServer');
    const { connect, port } = await startShell(context);
    const [listener] = createServer.mock.calls.map(({ result }) => result);
    // What a reset does, in the moment between the accepting and the first look.
    listener?.once('connection', (socket) => socket.destroy(new Error('read ECONNRESET')));
    await assert.rejects(RawImap.connect(port));
    assert.equal((await (await connect()).command('NOOP')).status, 'OK');
  });

  test('is loaded by one file', () => {
    const sources = readdirSync(new URL('../../src', import.meta.url), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .filter((file) => {
        const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
        return /^[^/]*['"`]@zone-eu\/wildduck/m.test(source);
      });
    assert.deepEqual(sources, [join('imap', 'imap-core-modules.ts')]);
  });
});
