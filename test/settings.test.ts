// The settings file as its author meets it: what an empty one means, and what is said about a wrong one.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { SettingsError } from '../src/settings/problems.ts';
import { defaultSettings, loadSettings } from '../src/settings.ts';
import type { Settings } from '../src/settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'settings-'));
const file = join(directory, 'lazaretto.yaml');
after(() => rmSync(directory, { recursive: true }));

function load(yaml: string): Settings {
  writeFileSync(file, yaml);
  return loadSettings(file);
}

/** `line key` of every reported mistake, in order. */
function mistakes(yaml: string): string[] {
  return refused(yaml).problems.map(({ line, key }) => `${line} ${key}`);
}

function refused(yaml: string): SettingsError {
  try {
    load(yaml);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error;
  }
  return assert.fail(`accepted: ${yaml}`);
}

function onlyMistake(yaml: string): string {
  const { message, problems } = refused(yaml);
  assert.equal(problems.length, 1, message);
  return message.split('\n')[1]?.trim() ?? '';
}

const sample = `
hostname: Quarantine.example.net
roles: [imap, intake, worker, web]
dataDir: ./data
store: sqlite:./data/quarantine.db
tls: { cert: ./tls/cert.pem, key: ./tls/key.pem }
imap:
  listen: [ { address: 0.0.0.0, port: 993, tls: implicit }, { address: 0.0.0.0, port: 143, tls: starttls } ]
  dropFolders: empty
folders: { trash: false, outgoing: true, training: true }
intake:
  - { protocol: lmtp, address: 127.0.0.1, port: 2424, folder: caught }
  - { protocol: lmtp, address: 127.0.0.1, port: 2425, folder: outgoing }
  - { protocol: smtp, address: 127.0.0.1, port: 2426, folder: training }
http: { address: 127.0.0.1, port: 8080 }
retention: { caught: 14d, outgoing: 14d, training: 14d, undo: 2d, history: 90d }
delivery: { retryFor: 4d, outgoing: smtp://127.0.0.1:25 }
rights: { release: { spam: [user, domain, global], virus: [global] }, outgoing: [global] }
limits: { messageBytes: 50MB, connectionsPerLogin: 20 }
training:
  - { type: maildir, path: ./data/reports }
  - { type: rspamd, url: http://127.0.0.1:11334, password: "secret" }
`;

describe('a right settings file', () => {
  test('may be empty: every key has a default', () => {
    for (const empty of ['', '---\n', '# nothing yet\n', '{}\n', '\uFEFF']) {
      assert.deepEqual(load(empty), defaultSettings(directory), JSON.stringify(empty));
    }
  });

  test('says the same as an empty one when it spells out the defaults', () => {
    const defaults = defaultSettings(directory);
    const { hostname, tls, training, rights, ...written } = load(sample);
    const { hostname: _, tls: noTls, training: oneTarget, rights: defaultRights, ...silent } = defaults;
    assert.deepEqual(written, silent);
    assert.equal(hostname, 'quarantine.example.net');
    assert.deepEqual(tls, [{ cert: join(directory, 'tls/cert.pem'), key: join(directory, 'tls/key.pem') }]);
    assert.deepEqual(noTls, []);
    assert.deepEqual(training[0], oneTarget[0]);
    assert.deepEqual(training[1], {
      type: 'rspamd',
      name: 'rspamd',
      url: 'http://127.0.0.1:11334',
      password: 'secret',
    });
    assert.deepEqual(new Set(rights.release.spam), new Set(defaultRights.release.spam));
    assert.deepEqual(rights.release.virus, ['global']);
  });

  test('counts a section whose lines are commented out as absent', () => {
    assert.deepEqual(load('imap:\n#  dropFolders: strict\nretention:\nhostname:\n'), defaultSettings(directory));
  });

  test('gives durations in milliseconds and sizes in bytes', () => {
    const { retention, delivery, limits } = load(
      'retention: { caught: 90s, outgoing: 15m, training: 2h, undo: 0d, history: 6w }\ndelivery: { retryFor: 1d }\nlimits: { messageBytes: 1GiB }',
    );
    assert.deepEqual(retention, {
      caughtMs: 90_000,
      outgoingMs: 900_000,
      trainingMs: 7_200_000,
      undoMs: 0,
      historyMs: 3_628_800_000,
    });
    assert.equal(delivery.retryForMs, 86_400_000);
    assert.equal(limits.messageBytes, 1_073_741_824);
    assert.equal(load('limits: { messageBytes: 1.5MB }').limits.messageBytes, 1_500_000);
    assert.equal(load('limits: { messageBytes: 70000 }').limits.messageBytes, 70_000);
  });

  test('has its relative paths counted from its own directory, and dataDir carries what is not placed elsewhere', () => {
    const moved = load('dataDir: ../elsewhere\ntls: { cert: c.pem, key: /etc/k.pem }');
    assert.equal(moved.dataDir, join(directory, '../elsewhere'));
    assert.equal(moved.store, `sqlite:${join(directory, '../elsewhere/quarantine.db')}`);
    assert.deepEqual(moved.training, [
      { type: 'maildir', name: 'maildir', path: join(directory, '../elsewhere/reports') },
    ]);
    assert.deepEqual(moved.tls, [{ cert: join(directory, 'c.pem'), key: '/etc/k.pem' }]);
  });

  test('may name a MongoDB store, and every form of delivery URL', () => {
    for (const store of ['mongodb://u:p@a:27017,b:27017/lazaretto?replicaSet=rs0', 'mongodb+srv://host.net/mail']) {
      assert.equal(load(`store: ${store}`).store, store);
    }
    for (const url of [
      'smtp://a',
      'smtp://[::1]:2525',
      'smtps://user:p%40ss@a:465',
      'lmtp://a:24',
      'lmtp:/run/lmtp.sock',
      'mx',
    ]) {
      assert.equal(load(`delivery: { outgoing: "${url}" }`).delivery.outgoing, url);
    }
  });

  test('may name any language that there is a file for', () => {
    assert.equal(load('').language, 'en');
    assert.equal(load('language: de').language, 'de');
    assert.match(refused('language: german').message, /language is "german"; expected one of: de, en/);
  });

  test('opens the doors for outgoing mail and for training only together with their folders', () => {
    const folders = (yaml: string) => load(yaml).intake.map(({ folder }) => folder);
    assert.deepEqual(folders(''), ['caught', 'outgoing', 'training']);
    assert.deepEqual(folders('folders: { outgoing: false }'), ['caught', 'training']);
    assert.deepEqual(folders('folders: { outgoing: false, training: false }'), ['caught']);
    assert.deepEqual(folders('intake: []'), []);
  });

  test('that names the rights for one category keeps viruses locked', () => {
    assert.deepEqual(load('rights: { release: { phishing: [domain, global] } }').rights.release, {
      ...defaultSettings(directory).rights.release,
      phishing: ['domain', 'global'],
    });
  });

  test('may let a listener on another address in when it says who may connect', () => {
    const { intake } = load(
      'intake: [ { address: "::", port: 2424, allow: [10.0.0.0/8, "2001:db8::/32", 192.0.2.7] } ]',
    );
    assert.deepEqual(intake[0]?.allow, ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7']);
    assert.equal(load('intake: [ { address: "::1", port: 1 }, { address: 127.3.2.1, port: 1 } ]').intake.length, 2);
  });
});

describe('a wrong settings file', () => {
  test('is told all its mistakes at once, each with its key and line', () => {
    const wrong = `hostnam: a
roles: [imap, intak]
imap:
  listen:
    - { port: 993 }
    - { port: 99999, tls: starttls }
retention:
  caught: 14
  undo: 100d
tls: { cert: a.pem }
rights: { release: { spam: [admin] } }
training:
  - type: rspamd
    url: http://a
  - type: rspamd
    url: b
`;
    assert.deepEqual(mistakes(wrong), [
      '1 hostnam',
      '2 roles[1]',
      '6 imap.listen[1].port',
      '8 retention.caught',
      '9 retention.undo',
      '10 tls.key',
      '11 rights.release.spam[0]',
      '15 training[1].name',
      '16 training[1].url',
    ]);
    const { message } = refused(wrong);
    assert.match(message, /lazaretto\.yaml has 9 mistakes:/);
    assert.match(message, /line 1: hostnam is unknown; expected "hostname", perhaps/);
    assert.match(message, /line 2: roles\[1\] is "intak"; expected one of: imap, intake, worker, web/);
    assert.match(message, /line 6: imap\.listen\[1\]\.port is 99999; expected a port number from 1 to 65535/);
    assert.match(message, /line 8: retention\.caught is 14; expected a duration .* such as 90s, 15m, 2h, 14d/);
    assert.match(message, /line 10: tls\.key is missing; expected a path/);
    assert.doesNotMatch(message, /\n\s+at /);
  });

  const single: [what: string, yaml: string, said: RegExp][] = [
    [
      'an unknown key deep inside',
      'imap: { dropFolder: strict }',
      /imap\.dropFolder is unknown; expected "dropFolders"/,
    ],
    ['another way to write a key', 'data-dir: a', /data-dir is unknown; expected "dataDir"/],
    ['a key like no other', 'http: { zebra: 1 }', /http\.zebra is unknown; expected one of: address, port/],
    ['a list instead of sections', '[a, b]', /^is a list; expected a section with the keys hostname, /],
    [
      'a value instead of a section',
      'imap: 143',
      /imap is 143; expected a section with the keys listen, public, dropFolders/,
    ],
    ['an unknown duration', 'retention: { caught: 14 days }', /retention\.caught is "14 days"; expected a duration/],
    ['mail that would expire at once', 'retention: { caught: 0d }', /expected a duration above zero/],
    ['a retention of millennia', 'retention: { history: 99999999w }', /expected a duration/],
    ['an unknown size', 'limits: { messageBytes: 50Mb/s }', /messageBytes is "50Mb\/s"; expected a size such as 50MB/],
    ['a size that no mail fits in', 'limits: { messageBytes: 1kB }', /from 65536 to/],
    ['a role that is none', 'rights: { outgoing: [root] }', /rights\.outgoing\[0\] is "root"; expected one of: global/],
    [
      'a category that can never match',
      'rights: { release: { Virus: [global] } }',
      /release\.Virus is not possible as a key/,
    ],
    ['no roles at all', 'roles: []', /roles is an empty list; expected at least one of/],
    ['YAML 1.1 booleans', 'folders: { trash: yes }', /folders\.trash is "yes"; expected true or false/],
    ['a host name to listen on', 'http: { address: example.net }', /http\.address is "example\.net"; expected an IP/],
    ['a store in memory', 'store: "sqlite::memory:"', /store is "sqlite::memory:"; expected sqlite:PATH or mongodb/],
    [
      'a MongoDB store without a database',
      'store: mongodb://host/',
      /expected sqlite:PATH or mongodb:\/\/HOST\/DATABASE/,
    ],
    ['a store of another kind', 'store: postgres://host/db', /store is "postgres/],
    ['a delivery URL with a path', 'delivery: { outgoing: "smtp://a/b" }', /delivery\.outgoing is .*; expected smtp:/],
    ['a delivery URL of another kind', 'delivery: { outgoing: "http://a" }', /delivery\.outgoing is/],
    ['a delivery URL without a host', 'delivery: { outgoing: "smtp:" }', /delivery\.outgoing is "smtp:"/],
    [
      'a training target of an unknown type',
      'training: [ { type: rspamc } ]',
      /training\[0\]\.type is "rspamc"; .*maildir or rspamd/,
    ],
    [
      'a key of another type of target',
      'training: [ { type: maildir, url: "http://a" } ]',
      /training\[0\]\.url is unknown/,
    ],
    [
      'a network that is none',
      'intake: [ { port: 1, allow: [10.0.0.0/33] } ]',
      /intake\[0\]\.allow\[0\] is "10\.0\.0\.0\/33"/,
    ],
    [
      'a door without a lock',
      'intake: [ { address: 10.0.0.1, port: 1 } ]',
      /intake\[0\]\.allow is missing, and 10\.0\.0\.1 can/,
    ],
    ['a door for everybody', 'intake: [ { address: "::", port: 1, allow: [] } ]', /intake\[0\]\.allow is missing/],
    [
      'a door behind an unnamed balancer',
      'intake: [ { address: 10.0.0.1, port: 1, allow: [192.0.2.0/24], proxyProtocol: true } ]',
      /trustedProxies is missing, and intake\[0\] has proxyProtocol where other machines can connect/,
    ],
    [
      'a balancer whose clients are not named',
      'trustedProxies: [10.0.0.2]\nintake: [ { address: 10.0.0.1, port: 1, proxyProtocol: true } ]',
      /intake\[0\]\.allow is missing, and 10\.0\.0\.1 can/,
    ],
    ['trust in everybody', 'trustedProxies: [10.0.0.2, "::/0"]', /trustedProxies\[1\] is ::\/0: everybody could claim/],
    ['trust in nobody', 'trustedProxies: []', /trustedProxies is an empty list; expected at least one network/],
    ['a balancer that is none', 'trustedProxies: [haproxy]', /trustedProxies\[0\] is "haproxy"; expected a network/],
    [
      'a version of the PROXY protocol where a switch is',
      'imap: { listen: [ { port: 1, proxyProtocol: v2 } ] }',
      /imap\.listen\[0\]\.proxyProtocol is "v2"; expected true or false/,
    ],
    [
      'mail that nobody would see',
      'folders: { training: false }\nintake: [ { port: 1, folder: training } ]',
      /intake\[0\]\.folder is training, which folders\.training switches off/,
    ],
    ['restore beyond memory', 'retention: { history: 1d }', /retention\.history is shorter than retention\.undo/],
    [
      'a second certificate for a host',
      'tls: [ { cert: a, key: a, hosts: [x.y] }, { cert: b, key: b, hosts: [X.y] } ]',
      /tls\[1\]\.hosts\[0\] is x\.y/,
    ],
    ['a certificate list with a gap', 'tls: [ { cert: a, key: a }, { cert: b } ]', /tls\[1\]\.key is missing/],
    [
      'a target named like another',
      'training: [ { type: maildir }, { type: maildir, path: a } ]',
      /training\[1\]\.name is "maildir"/,
    ],
  ];
  for (const [what, yaml, said] of single)
    test(`is told of ${what}`, () => assert.match(onlyMistake(yaml).replace(/^line \d+: /, ''), said));

  test('is told at once of all that a door behind a balancer lacks', () => {
    const yaml = 'intake: [ { address: 10.0.0.1, port: 1, proxyProtocol: true } ]';
    assert.deepEqual(mistakes(yaml), ['undefined trustedProxies', '1 intake[0].allow']);
  });

  test('may leave a balancer on the same machine unnamed', () => {
    const { imap, intake, trustedProxies } = load(
      'imap: { listen: [ { port: 993, proxyProtocol: true } ] }\nintake: [ { port: 24, proxyProtocol: true } ]',
    );
    assert.deepEqual(
      [...imap.listen, ...intake].map(({ proxyProtocol }) => proxyProtocol),
      [true, true],
    );
    assert.deepEqual(trustedProxies, ['127.0.0.0/8', '::1/128']);
  });

  test('is told of listeners that would take each other the port', () => {
    const taken = (yaml: string) => onlyMistake(yaml).replace(/^line \d+: /, '');
    assert.match(taken('http: { port: 143 }'), /^http\.port is 143 on 127\.0\.0\.1, which imap\.listen already/);
    assert.match(taken('http: { address: "::", port: 993 }'), /^http\.port is 993 on ::, which imap\.listen already/);
    assert.match(taken('imap: { listen: [ { port: 2424 } ] }'), /^imap\.listen\[0\]\.port is 2424 .*, which intake/);
    assert.match(
      taken('intake: [ { port: 2424 }, { port: 2424, folder: outgoing } ]'),
      /^intake\[1\]\.port is 2424 on 127\.0\.0\.1, which intake\[0\] already/,
    );
    // Health and metrics are served whatever the roles.
    assert.match(taken('roles: [imap]\nhttp: { port: 143 }'), /^http\.port is 143 on 127\.0\.0\.1, which imap/);
    // A mistake elsewhere in the same listener does not hide it.
    assert.equal(mistakes('intake: [ { port: 24 }, { port: 24, folder: spam } ]').length, 2);
  });

  test('is not told of ports that no two listeners of this process share', () => {
    load('imap: { listen: [ { port: 0 }, { port: 0, tls: starttls } ] }\nhttp: { port: 0 }');
    load('intake: [ { port: 24 }, { address: 127.0.0.2, port: 24 }, { address: "::1", port: 143 } ]');
    load('roles: [worker]\nhttp: { port: 2424 }');
  });

  test('with broken YAML is told the line', () => {
    const { problems } = refused('hostname: a\nimap:\n  listen: [\n');
    assert.ok((problems[0]?.line ?? 0) >= 3, JSON.stringify(problems));
    assert.match(refused('imap:\n\tdropFolders: strict\n').message, /line 2: cannot be read as YAML \(Tabs/);
    assert.match(refused('hostname: *other\n').message, /cannot be read as YAML/);
    assert.match(refused('hostname: !secret a\n').message, /line 1: cannot be read as YAML/);
    const twice = refused('http: { port: 1 }\nroles: [x]\nhttp: { port: 2 }\n');
    assert.match(twice.message, /line 2: roles\[0\] is "x".*\n.*line 3: .*expected each key once/);
  });

  test('never has its secrets repeated', () => {
    const { message } = refused(
      'store: "mongo://root:geheim@host/db"\ndelivery: { outgoing: "lmtp://u:geh/eim@geheim@h" }\ntraining: [ { type: rspamd, url: "http://u:geheim@h", password: 98765 } ]',
    );
    assert.match(
      message,
      /training\[0\]\.password is a number that does not fit; expected a text; put digits in quotes/,
    );
    assert.doesNotMatch(message, /geh|98765/);
  });

  test('that does not exist is an error, not a quarantine with defaults', () => {
    assert.throws(
      () => loadSettings(join(directory, 'mistyped.yaml')),
      (error) => error instanceof SettingsError && /no such file.*an empty one is enough/.test(error.message),
    );
    assert.throws(() => loadSettings(directory), SettingsError);
  });
});
