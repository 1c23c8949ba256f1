// The configuration file `lazaretto.yaml`: every key once, with type, default and one sentence. README's table is generated from here.
// An empty file works: every key has a default, and a key without a value counts as absent. All mistakes are reported together.
// Domains and accounts are not here: they live in the store, where commands and several machines can change them.
// Never opens anything but the file itself. Called by the wiring (main.ts, cli/, scripts/); edges get the values they need from there.
import { readFileSync } from 'node:fs';
import { hostname as nameOfThisMachine } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { languageNames } from './languages.ts';
import { roles as loginRoles } from './quarantine/scope.ts';
import { crossCheck } from './settings/cross-checks.ts';
import { keyText, problemsOf, readSettingsText, SettingsError } from './settings/problems.ts';
import {
  deliveryUrl,
  duration,
  hostName,
  httpUrl,
  listenAddress,
  listOf,
  network,
  oneOf,
  onOff,
  port,
  section,
  size,
  storeUrl,
  text,
  wholeNumber,
} from './settings/values.ts';

const processRoles = ['imap', 'intake', 'worker', 'web'] as const;
const loginRole = () => oneOf(loginRoles);
const path = () => text('path', 'a path');

/** Names a target in the store for as long as reports to it are remembered, hence the plain alphabet. */
const targetName = text('name', 'a name of small letters, digits and hyphens', (name) =>
  /^[a-z0-9][a-z0-9-]{0,62}$/.test(name),
)
  .optional()
  .meta({ defaultText: 'the type' })
  .describe('What the target is called in commands and in the store; needed when two are of one type.');

const targetType = <const T extends string>(type: T) =>
  z.literal(type).describe('`maildir` keeps reports as files, `rspamd` teaches a running rspamd.');

const certificate = section({
  cert: path().describe('PEM file with the certificate, followed by its chain.'),
  key: path().describe('PEM file with the private key, without a passphrase.'),
  hosts: listOf(hostName({ wildcard: true }), 'host names')
    .min(1, { error: 'at least one host name' })
    .optional()
    .meta({ defaultText: 'the names in the certificate' })
    .describe(
      'Host names (SNI) that this certificate is for; a client that asks for no listed name gets the first one.',
    ),
});

const proxyProtocol = () =>
  onOff()
    .prefault(false)
    .describe(
      'A TCP balancer is in front: each connection begins with a PROXY header (v1 or v2) from one of `trustedProxies`.',
    );

// The two that mail programs try by themselves. 143 never takes a password before STARTTLS.
const defaultImapListeners = [
  { address: '0.0.0.0', port: 993, tls: 'implicit' },
  { address: '0.0.0.0', port: 143, tls: 'starttls' },
] as const;

const imap = section({
  listen: listOf(
    section({
      address: listenAddress().prefault('0.0.0.0').describe('IP address that mail programs connect to.'),
      port: port().describe('TCP port, by custom 993 (implicit) or 143 (starttls).'),
      tls: oneOf(['implicit', 'starttls'])
        .prefault('implicit')
        .describe('Whether TLS begins with the connection or by STARTTLS; without TLS nobody can log in.'),
      proxyProtocol: proxyProtocol(),
    }),
    'listeners',
  )
    .prefault([...defaultImapListeners])
    .meta({ defaultText: '0.0.0.0, 993 implicit and 143 starttls' })
    .describe('Where IMAP is served.'),
  public: listOf(
    section({
      host: hostName()
        .optional()
        .meta({ defaultText: '`hostname`' })
        .describe('Name that mail programs connect to; it has to be in the certificate.'),
      port: port().describe('TCP port that mail programs connect to.'),
      tls: oneOf(['implicit', 'starttls']).prefault('implicit').describe('How TLS begins there.'),
    }),
    'servers',
  )
    .min(1, { error: 'at least one server' })
    .optional()
    .meta({ defaultText: '`hostname` with the ports of `imap.listen`' })
    .describe(
      'What mail programs that set themselves up are told, where a balancer has other names or ports; best first.',
    ),
  dropFolders: oneOf(['empty', 'strict'])
    .prefault('empty')
    .describe('Whether drop folders can be opened and are always empty, or refuse to be opened.'),
});

const folders = section({
  trash: onOff().prefault(false).describe('Adds the folder Trash, which deletes and never trains.'),
  outgoing: onOff().prefault(true).describe('Shows Caught (Outgoing), the mail of local senders.'),
  training: onOff()
    .prefault(true)
    .describe('Shows Training Requested, copies of mail that the filter was unsure about.'),
});

const intake = section({
  protocol: oneOf(['lmtp', 'smtp'])
    .prefault('lmtp')
    .describe('LMTP answers for each recipient on its own and is the better choice where the filter can speak it.'),
  address: listenAddress().prefault('127.0.0.1').describe('IP address that the filter connects to.'),
  port: port().describe('TCP port.'),
  folder: oneOf(['caught', 'outgoing', 'training'])
    .prefault('caught')
    .describe('Where the mail goes: caught incoming, caught outgoing, or delivered copies to train with.'),
  allow: listOf(network(), 'networks')
    .prefault([])
    .describe('Networks that may hand mail in (behind a balancer: its clients); needed unless on a loopback address.'),
  proxyProtocol: proxyProtocol(),
});

const retention = section({
  caught: duration().prefault('14d').describe('How long caught incoming mail is held; a domain can have its own.'),
  outgoing: duration().prefault('14d').describe('How long caught outgoing mail is held.'),
  training: duration().prefault('14d').describe('How long copies wait in Training Requested.'),
  undo: duration({ mayBeZero: true })
    .prefault('2d')
    .describe('How long removed mail can still be restored, counted from the end of its last delivery or report.'),
  history: duration()
    .prefault('90d')
    .describe('How long it is remembered what became of a message, so that a late repeat of an order does nothing.'),
}).transform((given) => ({
  caughtMs: given.caught,
  outgoingMs: given.outgoing,
  trainingMs: given.training,
  undoMs: given.undo,
  historyMs: given.history,
}));

const delivery = section({
  retryFor: duration()
    .prefault('4d')
    .describe('How long a release is tried again before it fails and the mail is back.'),
  outgoing: deliveryUrl().prefault('smtp://127.0.0.1:25').describe('Where released outgoing mail is delivered.'),
}).transform((given) => ({ retryForMs: given.retryFor, outgoing: given.outgoing }));

/** Kept for every category that the file does not name: who writes one line about spam must not open the door to viruses. */
const defaultReleaseRights = { spam: [...loginRoles], virus: ['global' as const] };

const rights = section({
  release: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9_-]*$/, { error: 'a category in small letters, such as spam or virus' }),
      listOf(loginRole(), 'roles'),
      { error: 'a section with category: [roles]' },
    )
    .prefault(defaultReleaseRights)
    .meta({ kind: 'category: list of roles' })
    .describe(
      'Which logins may release mail of which category; an unnamed category follows `spam`, but `virus` keeps its default.',
    )
    .transform((given) => ({ ...defaultReleaseRights, ...given })),
  outgoing: listOf(loginRole(), 'roles').prefault(['global']).describe('Which logins may release outgoing mail.'),
});

const limits = section({
  messageBytes: size(65_536, 2 ** 30)
    .prefault('50MB')
    .describe('Larger mail is refused, by intake and by APPEND.'),
  connectionsPerLogin: wholeNumber(1, 10_000)
    .prefault(20)
    .describe('How many connections one login may have open; mail programs open five and more.'),
});

const training = listOf(
  z.discriminatedUnion(
    'type',
    [
      section({
        type: targetType('maildir'),
        name: targetName,
        path: path()
          .optional()
          .meta({ defaultText: '`reports` in dataDir' })
          .describe('Directory that gets the Maildirs `spam` and `ham` (type maildir).'),
      }),
      section({
        type: targetType('rspamd'),
        name: targetName,
        url: httpUrl().describe("Address of rspamd's controller (type rspamd)."),
        password: text('text', 'a text; put digits in quotes')
          .optional()
          .meta({ defaultText: 'none' })
          .describe("The controller's password (type rspamd)."),
      }),
    ],
    { error: 'a section with the key type: maildir or rspamd' },
  ),
  'targets',
);

export const settingsSchema = section({
  hostname: hostName()
    .optional()
    .meta({ defaultText: "the machine's name" })
    .describe('Name by which this server greets, signs its trace header and makes its own certificate.'),
  language: oneOf(languageNames)
    .prefault('en')
    .describe(
      'Language of what people read in their mail programs: answers to what they drag, and notices; folder names stay.',
    ),
  roles: listOf(oneOf(processRoles), 'roles')
    .min(1, { error: `at least one of: ${processRoles.join(', ')}` })
    .prefault([...processRoles])
    .describe('What this process does; several processes can share the work on one store.'),
  dataDir: path()
    .prefault('./data')
    .describe('Directory for everything that is kept; made with mode 0700 when it is absent.'),
  store: storeUrl()
    .optional()
    .meta({ defaultText: '`sqlite:quarantine.db` in dataDir' })
    .describe('Where the quarantine is stored: embedded (sqlite), or shared by several machines (mongodb).'),
  tls: z
    .union([certificate, listOf(certificate, 'certificates')], {
      error: 'a section with cert and key, or a list of them',
    })
    .optional()
    .meta({ kind: 'certificate, or list of them', defaultText: 'self-signed' })
    .describe('Certificates, loaded again when the files change; without any, one is made in dataDir.'),
  imap: imap.prefault({}),
  folders: folders.prefault({}),
  // Mail that nobody can see would lie there until it expires: the doors for outgoing and training open only with their folders.
  intake: listOf(intake, 'listeners')
    .optional()
    .meta({
      defaultText:
        'LMTP on 127.0.0.1: 2424 for caught; while the folder is on, 2425 for outgoing, and SMTP on 2426 for training',
    })
    .describe('Where the filter hands mail in, one listener for each folder.'),
  http: section({
    address: listenAddress()
      .prefault('127.0.0.1')
      .describe('IP address where health, metrics and the settings for mail programs are served, without a login.'),
    port: port().prefault(8080).describe('TCP port of all that.'),
  }).prefault({}),
  retention: retention.prefault({}),
  delivery: delivery.prefault({}),
  rights: rights.prefault({}),
  limits: limits.prefault({}),
  training: training
    .optional()
    .meta({ defaultText: 'one maildir target' })
    .describe('Where reports of spam and ham go, each tried on its own until it succeeded.'),
  confirmCaught: onOff()
    .prefault(false)
    .describe(
      'Whether dropping caught mail into Spam also reports it, although the filter already classed it as spam.',
    ),
  trustedHosts: listOf(hostName(), 'host names')
    .prefault([])
    .describe(
      'Names of your filters as they stand after `by` in their Received lines; only verdicts above such a line are believed.',
    ),
  trustedProxies: listOf(network(), 'networks')
    .min(1, { error: 'at least one network' })
    .prefault(['127.0.0.0/8', '::1/128'])
    .meta({ defaultText: 'loopback' })
    .describe(
      'Networks of the TCP balancers that are believed whose connections they bring, where `proxyProtocol` is on.',
    ),
  log: section({
    level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
      .prefault('info')
      .describe('The least important kind of line that is logged.'),
  }).prefault({}),
});

/** What the program works with: paths are absolute, durations are milliseconds, sizes bytes, every default is filled in. */
export type Settings = ReturnType<typeof complete>;

/**
 * @param file must exist, an empty one is enough: with defaults for a mistyped name a command would work on a new, empty quarantine
 * @throws SettingsError with every mistake in the file
 */
export function loadSettings(file: string): Settings {
  let written: string;
  try {
    written = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const problem = `cannot be read (${code === 'ENOENT' ? 'there is no such file' : code})`;
    throw new SettingsError(file, [{ key: '', problem, expected: 'a settings file; an empty one is enough' }]);
  }
  const { content, syntaxProblems, lineOf } = readSettingsText(written);
  const parsed = settingsSchema.safeParse(content);
  const directory = dirname(resolve(file));
  const found = [
    ...problemsOf(parsed.error?.issues ?? [], content),
    ...crossCheck(content, defaultSettings(directory)),
  ].map(({ path, problem, expected }) => ({ key: keyText(path), line: lineOf(path), problem, expected }));
  const problems = [...syntaxProblems, ...found].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (!parsed.success || problems.length) throw new SettingsError(file, problems);
  return complete(parsed.data, directory);
}

/** The settings of an empty file in this directory. */
export function defaultSettings(directory: string): Settings {
  return complete(settingsSchema.parse({}), resolve(directory));
}

function complete(given: z.output<typeof settingsSchema>, directory: string) {
  const dataDir = resolve(directory, given.dataDir);
  const { tls = [], store = `sqlite:${resolve(dataDir, 'quarantine.db')}` } = given;
  return {
    ...given,
    hostname: given.hostname ?? nameOfThisMachine(),
    dataDir,
    store: store.startsWith('sqlite:') ? `sqlite:${resolve(directory, store.slice('sqlite:'.length).trim())}` : store,
    tls: (Array.isArray(tls) ? tls : [tls]).map((pair) => ({
      ...pair,
      cert: resolve(directory, pair.cert),
      key: resolve(directory, pair.key),
    })),
    intake: given.intake ?? defaultIntake(given.folders),
    training: (given.training ?? [{ type: 'maildir' as const }]).map((target) => {
      const name = target.name ?? target.type;
      if (target.type !== 'maildir') return { ...target, name };
      return { ...target, name, path: target.path ? resolve(directory, target.path) : resolve(dataDir, 'reports') };
    }),
  };
}

function defaultIntake(on: z.output<typeof folders>): z.output<typeof intake>[] {
  const door = { protocol: 'lmtp', address: '127.0.0.1', allow: [], proxyProtocol: false } as const;
  return [
    { ...door, port: 2424, folder: 'caught' as const, allow: [] },
    ...(on.outgoing ? [{ ...door, port: 2425, folder: 'outgoing' as const, allow: [] }] : []),
    // Copies for training are made by mail servers (always_bcc and the like), which speak SMTP to everybody.
    ...(on.training
      ? [{ ...door, protocol: 'smtp' as const, port: 2426, folder: 'training' as const, allow: [] }]
      : []),
  ];
}
