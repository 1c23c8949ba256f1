// Certificates as an administrator meets them: made when there are none, checked at start, replaced while the server runs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import type { CertificatePair } from '../src/certificates/pair.ts';
import { makeSelfSigned } from '../src/certificates/self-signed.ts';
import { openCertificates } from '../src/certificates.ts';
import type { CertificateOptions, Certificates, TlsSettings } from '../src/certificates.ts';

const dayMs = 86_400_000;
const start = Date.now();

let directory: string;
let clock: number;
let logged: string[];
let opened: Certificates[];
let poll: () => Promise<void>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'certificates-'));
  clock = start;
  logged = [];
  opened = [];
});
afterEach(async () => {
  for (const certificates of opened) certificates.close();
  await rm(directory, { recursive: true });
});

async function open(tls: TlsSettings, options: Partial<CertificateOptions> = {}): Promise<Certificates> {
  const line = (level: string) => (_fields: object, text: string) => void logged.push(`${level}: ${text}`);
  const certificates = await openCertificates(tls, {
    dataDir: join(directory, 'data'),
    hostname: 'quarantine.example.net',
    log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    now: () => clock,
    every: (task) => {
      poll = task;
      return () => (poll = () => Promise.reject(new Error('stopped')));
    },
    ...options,
  });
  opened.push(certificates);
  return certificates;
}

function pairFor(names: string[], days = 100): CertificatePair {
  return makeSelfSigned({ names, notBefore: new Date(start - dayMs), notAfter: new Date(start + days * dayMs) });
}

async function write(name: string, pair: CertificatePair): Promise<{ cert: string; key: string }> {
  const files = { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
  await writeFile(files.cert, pair.cert);
  await writeFile(files.key, pair.key);
  return files;
}

/** What a TLS client that trusts only `trusted` sees. */
async function handshake(served: CertificatePair, trusted: string, servername: string): Promise<string> {
  const server = createServer({ ...served, minVersion: 'TLSv1.2' }, (socket) => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, servername, ca: trusted });
  try {
    await once(client, 'secureConnect');
    return String(client.getPeerCertificate().subject.CN);
  } finally {
    client.destroy();
    server.close();
    await once(server, 'close');
  }
}

describe('without a certificate in the settings', () => {
  test('one is made that a client which trusts it accepts, by every name of the server', async () => {
    const pair = (await open([])).current().default;
    for (const name of ['quarantine.example.net', 'localhost']) {
      assert.equal(await handshake(pair, pair.cert, name), 'quarantine.example.net');
    }
    await assert.rejects(handshake(pair, pair.cert, 'other.example.net'), /altnames/);
    await assert.rejects(handshake(pair, pairFor(['other']).cert, 'localhost'), /self-signed/);
    const certificate = new X509Certificate(pair.cert);
    assert.equal(certificate.subjectAltName, 'DNS:quarantine.example.net, DNS:localhost, IP Address:127.0.0.1');
    assert.ok(certificate.checkIP('127.0.0.1'));
    assert.equal(certificate.ca, false);
    assert.ok(certificate.verify(certificate.publicKey));
    assert.deepEqual(certificate.publicKey.asymmetricKeyDetails, { namedCurve: 'prime256v1' });
  });

  test('it fulfils what Apple asks of server certificates', async () => {
    const certificate = new X509Certificate((await open([])).current().default.cert);
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / dayMs;
    assert.ok(days > 800 && days <= 825, `valid for ${days} days`);
    assert.ok(certificate.validFromDate.getTime() < start - 3_600_000, 'a client whose clock is late must accept it');
  });

  test('it is made once, and nobody else can read it', async () => {
    const first = (await open([])).current().default;
    assert.deepEqual((await open([])).current().default, first);
    const made = join(directory, 'data/tls');
    assert.deepEqual((await readdir(made)).sort(), ['cert.pem', 'key.pem']);
    assert.deepEqual(await readdir(join(directory, 'data')), ['tls']);
    for (const [path, mode] of [
      ['', 0o700],
      ['cert.pem', 0o600],
      ['key.pem', 0o600],
      ['..', 0o700],
    ] as const) {
      assert.equal((await stat(join(made, path))).mode & 0o777, mode, path);
    }
    assert.equal(logged.filter((line) => line.includes('made a self-signed certificate')).length, 1);
  });

  test('processes that start at once agree on one', async () => {
    const program = `
      import { openCertificates } from ${JSON.stringify(join(import.meta.dirname, '../src/certificates.ts'))};
      const log = { debug() {}, info() {}, warn() {}, error() {} };
      process.stdin.once('data', async () => {
        const options = { dataDir: process.argv[1], hostname: 'h', log };
        const opened = await Promise.all([openCertificates([], options), openCertificates([], options)]);
        process.stdout.write(JSON.stringify(opened.map((certificates) => certificates.current().default)));
        process.stdin.destroy();
      });
      process.stdout.write('ready\\n');`;
    const processes = [1, 2, 3].map(() =>
      spawn(process.execPath, ['--input-type=module', '-e', program, join(directory, 'data')], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    const outputs = await Promise.all(
      processes.map(async (child) => {
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        const ended = once(child, 'close');
        while (!output.includes('ready\n')) await once(child.stdout, 'data');
        return { child, finished: ended.then(() => output.replace('ready\n', '')) };
      }),
    );
    for (const { child } of outputs) child.stdin.write('go');
    const pairs = (await Promise.all(outputs.map(({ finished }) => finished))).flatMap(
      (output) => JSON.parse(output) as CertificatePair[],
    );
    assert.equal(pairs.length, 6);
    assert.equal(new Set(pairs.map(({ cert, key }) => cert + key)).size, 1);
    assert.deepEqual(await readdir(join(directory, 'data')), ['tls']);
  });

  test('a broken, incomplete or expired one is replaced and kept aside', async () => {
    const files = { cert: join(directory, 'data/tls/cert.pem'), key: join(directory, 'data/tls/key.pem') };
    let before = (await open([])).current().default;
    const spoilers = [
      () => writeFile(files.cert, 'half a certific'),
      () => writeFile(files.key, pairFor(['a']).key),
      () => unlink(files.key),
      () => Promise.resolve((clock += 821 * dayMs)),
    ];
    for (const [index, spoil] of spoilers.entries()) {
      await spoil();
      const { default: replaced } = (await open([])).current();
      assert.notEqual(replaced.cert, before.cert);
      assert.deepEqual(replaced, { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8') });
      const aside = (await readdir(join(directory, 'data'))).filter((name) => name.endsWith('-replaced'));
      assert.equal(aside.length, index + 1);
      before = replaced;
    }
  });

  test('one that cannot be read is an error and stays', async () => {
    await open([]);
    const key = join(directory, 'data/tls/key.pem');
    await rename(key, `${key}.aside`);
    await mkdir(key);
    await assert.rejects(open([]), /private key .*key\.pem cannot be read \(EISDIR\)/);
    assert.deepEqual(await readdir(join(directory, 'data')), ['tls']);
  });

  test('one that expires while the server runs is replaced there and then', async () => {
    const certificates = await open([]);
    const before = certificates.current().default.cert;
    let changes = 0;
    certificates.onChange(() => changes++);
    clock = start + 821 * dayMs;
    await poll();
    assert.equal(changes, 1);
    assert.notEqual(certificates.current().default.cert, before);
  });

  test('a new host name is pointed out, and the certificate that people confirmed stays', async () => {
    const before = (await open([])).current().default;
    logged = [];
    assert.deepEqual((await open([], { hostname: 'renamed.example.net' })).current().default, before);
    assert.match(logged.join('\n'), /warn: the self-signed certificate is for another host name/);
    logged = [];
    await open([], { hostname: '127.0.0.1' });
    assert.deepEqual(logged, []);
  });
});

describe('with certificates in the settings', () => {
  test('everything that is wrong with the files is said at once', async () => {
    const good = await write('good', pairFor(['a.example']));
    const other = await write('other', pairFor(['b.example']));
    const absent = join(directory, 'absent.pem');
    await writeFile(join(directory, 'text.pem'), 'no certificate');
    await assert.rejects(
      open([
        good,
        { cert: good.cert, key: other.key },
        { cert: absent, key: good.key },
        { cert: join(directory, 'text.pem'), key: good.key },
        { cert: good.cert, key: good.cert },
      ]),
      ({ message }: Error) => {
        const [mismatch, missing, unreadable, noKey, ...more] = message.split('\n');
        assert.match(mismatch ?? '', /private key .*other\.key does not belong to the certificate .*good\.pem/);
        assert.match(missing ?? '', /certificate .*absent\.pem cannot be read \(there is no such file\)/);
        assert.match(unreadable ?? '', /text\.pem is not a PEM certificate/);
        assert.match(noKey ?? '', /good\.pem is not a PEM key without a passphrase/);
        assert.deepEqual(more, []);
        return true;
      },
    );
  });

  test('an expired one is served with an error in the log, one that expires soon with a warning every day', async () => {
    const expired = pairFor(['a.example'], -0.5);
    const certificates = await open([await write('old', expired)]);
    assert.deepEqual(certificates.current().default, expired);
    assert.match(logged.join(), /error: the certificate has expired/);

    logged = [];
    await open([await write('soon', pairFor(['a.example'], 10))]);
    await poll();
    assert.deepEqual(logged, ['warn: the certificate expires soon']);
    clock += dayMs;
    await poll();
    assert.deepEqual(logged, ['warn: the certificate expires soon', 'warn: the certificate expires soon']);
    clock += 10 * dayMs;
    await poll();
    assert.match(logged.at(-1) ?? '', /error: the certificate has expired/);
  });

  test('how each stands with its dates can be asked at any time', async () => {
    const states = (of: Certificates) => of.validity().map(({ state, isOwn }) => `${state}${isOwn ? ', own' : ''}`);
    const early = makeSelfSigned({
      names: ['c.example'],
      notBefore: new Date(start + dayMs),
      notAfter: new Date(start + 200 * dayMs),
    });
    const given = await open([
      await write('a', pairFor(['a.example'], 15)),
      await write('b', pairFor(['b.example'], -0.5)),
      await write('c', early),
    ]);
    assert.deepEqual(states(given), ['valid', 'expired', 'not yet valid']);
    assert.equal(given.validity()[0]?.validTo, Math.floor((start + 15 * dayMs) / 1000) * 1000);
    clock += 2 * dayMs;
    assert.deepEqual(states(given), ['ends soon', 'expired', 'valid']);
    const own = await open([]);
    assert.deepEqual(states(own), ['valid, own']);
    clock += 900 * dayMs;
    assert.deepEqual(states(own), ['expired, own']);
    await poll();
    assert.deepEqual(states(own), ['valid, own']);
  });

  test('each host name gets its certificate, any other the first one', async () => {
    const [a, b, c] = [pairFor(['a.example', '*.a.example']), pairFor(['b.example']), pairFor(['a.example'])];
    const certificates = await open([
      await write('a', a),
      { ...(await write('b', b)), hosts: ['mail.example', '*.mail.example'] },
      { ...(await write('c', c)), hosts: ['special.a.example'] },
    ]);
    const served = Object.fromEntries(
      [
        'a.example',
        'x.a.example',
        'special.a.example',
        'MAIL.example.',
        'x.mail.example',
        'b.example',
        'x.y.mail.example',
        '',
        undefined,
      ].map((host) => [String(host), [a, b, c].findIndex(({ cert }) => cert === certificates.forHost(host).cert)]),
    );
    assert.deepEqual(served, {
      'a.example': 0,
      'x.a.example': 0,
      'special.a.example': 2,
      'MAIL.example.': 1,
      'x.mail.example': 1,
      'b.example': 0,
      'x.y.mail.example': 0,
      '': 0,
      undefined: 0,
    });
    assert.equal(certificates.current().byHost.get('*.mail.example')?.cert, b.cert);
  });

  test('changed files are served without a restart, and listeners hear of it once', async () => {
    const files = await write('cert', pairFor(['a.example']));
    const certificates = await open([files]);
    const heard: CertificatePair[] = [];
    const stop = certificates.onChange((current) => heard.push(current.default));
    await poll();
    assert.deepEqual(heard, []);

    const renewed = pairFor(['a.example']);
    const aside = await write('aside', renewed);
    await rename(aside.cert, files.cert);
    await rename(aside.key, files.key);
    await poll();
    await poll();
    assert.deepEqual(heard, [renewed]);
    assert.deepEqual(certificates.current().default, renewed);

    stop();
    await write('cert', pairFor(['a.example']));
    await poll();
    assert.equal(heard.length, 1);
    assert.notDeepEqual(certificates.current().default, renewed);
  });

  test('a symbolic link that is turned to a new directory counts as a change', async () => {
    const [first, second] = [pairFor(['a.example']), pairFor(['a.example'])];
    for (const [name, pair] of [
      ['v1', first],
      ['v2', second],
    ] as const) {
      await mkdir(join(directory, name));
      await write(`${name}/tls`, pair);
    }
    await symlink('v1', join(directory, 'live'));
    const certificates = await open([{ cert: join(directory, 'live/tls.pem'), key: join(directory, 'live/tls.key') }]);
    await symlink('v2', join(directory, 'next'));
    await rename(join(directory, 'next'), join(directory, 'live'));
    await poll();
    assert.deepEqual(certificates.current().default, second);
  });

  test('a broken new pair is not used, is complained of once, and the finished one is', async () => {
    const before = pairFor(['a.example']);
    const files = await write('cert', before);
    const certificates = await open([files]);
    let changes = 0;
    certificates.onChange(() => changes++);
    const renewed = pairFor(['a.example']);

    await writeFile(files.cert, renewed.cert);
    await poll();
    await poll();
    assert.deepEqual(certificates.current().default, before);
    assert.deepEqual(logged, ['error: the changed certificate is not used']);
    await unlink(files.key);
    await poll();
    assert.deepEqual(certificates.current().default, before);
    assert.equal(logged.length, 2);
    assert.equal(changes, 0);

    await writeFile(files.key, renewed.key);
    await poll();
    assert.deepEqual(certificates.current().default, renewed);
    assert.equal(changes, 1);
  });

  test('one listener that fails keeps nobody else from the new certificate', async () => {
    const files = await write('cert', pairFor(['a.example']));
    const certificates = await open([files]);
    let changes = 0;
    certificates.onChange(() => {
      throw new Error('closed');
    });
    certificates.onChange(() => changes++);
    await write('cert', pairFor(['a.example']));
    await poll();
    assert.equal(changes, 1);
    assert.match(logged.join(), /error: a listener could not take the new certificates/);
  });

  test('closing stops the watch', async () => {
    const certificates = await open([await write('cert', pairFor(['a.example']))]);
    certificates.close();
    await assert.rejects(poll(), /stopped/);
  });
});
