// How mail programs set up an account by themselves: what each of them asks, to the byte, and what it is told. Whoever asks is a stranger.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import german from '../../src/languages/de.ts';
import english from '../../src/languages/en.ts';
import type { Sentences } from '../../src/quarantine/sentences.ts';
import type { ImapServer } from '../../src/web/connect/connect.ts';
import { createHealth } from '../../src/web/health.ts';
import { openHttp } from '../../src/web/server.ts';
import { testLog } from '../helpers/quarantine.ts';
import { startTestServer } from '../helpers/server.ts';

const both: ImapServer[] = [
  { host: 'quarantine.example.com', port: 993, tls: 'implicit' },
  { host: 'quarantine.example.com', port: 143, tls: 'starttls' },
];

async function open(
  context: TestContext,
  { servers = both, shown = english }: { servers?: ImapServer[]; shown?: Sentences } = {},
) {
  const server = await openHttp({
    address: '127.0.0.1',
    port: 0,
    health: createHealth(),
    metrics: { exposition: () => Promise.resolve({ type: '', text: '' }) },
    connect: { imapServers: () => servers, shown },
    log: testLog().log,
  });
  context.after(() => server.close());
  return async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
}

const outlook = 'http://schemas.microsoft.com/exchange/autodiscover/outlook';

/** As Outlook and Thunderbird write it. */
function autodiscoverRequest(address: string, schema = `${outlook}/responseschema/2006a`): RequestInit {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'text/xml; charset=utf-8' },
    body: `<?xml version="1.0" encoding="utf-8"?>
      <Autodiscover xmlns="${outlook}/requestschema/2006">
        <Request>
          <EMailAddress>${address}</EMailAddress>
          <AcceptableResponseSchema>${schema}</AcceptableResponseSchema>
        </Request>
      </Autodiscover>`,
  };
}

describe('Thunderbird', () => {
  test('finds both ways to connect at both places where it looks, with or without the address', async (context) => {
    const ask = await open(context);
    const expected = `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.com">
    <domain>example.com</domain>
    <displayName>Quarantine</displayName>
    <displayShortName>Quarantine</displayShortName>
    <incomingServer type="imap">
      <hostname>quarantine.example.com</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>quarantine.example.com</hostname>
      <port>143</port>
      <socketType>STARTTLS</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>no-outgoing-mail.invalid</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <authentication>none</authentication>
      <useGlobalPreferredServer>true</useGlobalPreferredServer>
    </outgoingServer>
  </emailProvider>
</clientConfig>
`;
    for (const path of ['/mail/config-v1.1.xml', '/.well-known/autoconfig/mail/config-v1.1.xml']) {
      const answer = await ask(`${path}?emailaddress=alice%40Example.COM`);
      assert.deepEqual(answer, { status: 200, type: 'text/xml; charset=utf-8', text: expected }, path);
      const unsaid = await ask(path);
      assert.equal(
        unsaid.text,
        expected
          .replaceAll('"example.com"', '"quarantine.example.com"')
          .replace('<domain>example.com', '<domain>quarantine.example.com'),
      );
    }
  });
});

describe('Outlook', () => {
  test('is told the best way to connect, whichever capitals it writes the path in', async (context) => {
    const ask = await open(context);
    for (const path of [
      '/autodiscover/autodiscover.xml',
      '/Autodiscover/Autodiscover.xml',
      '/AutoDiscover/AutoDiscover.xml',
    ]) {
      const { status, type, text } = await ask(path, autodiscoverRequest('alice@example.com'));
      assert.deepEqual([status, type], [200, 'text/xml; charset=utf-8']);
      assert.equal(
        text.replaceAll('\r\n', '\n'),
        `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
      <Protocol>
        <Type>IMAP</Type>
        <Server>quarantine.example.com</Server>
        <Port>993</Port>
        <LoginName>alice@example.com</LoginName>
        <DomainRequired>off</DomainRequired>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>SSL</Encryption>
        <AuthRequired>on</AuthRequired>
      </Protocol>
    </Account>
  </Response>
</Autodiscover>
`,
      );
    }
  });

  test('is told to begin with STARTTLS where there is nothing else', async (context) => {
    const ask = await open(context, { servers: both.slice(1) });
    const { text } = await ask('/autodiscover/autodiscover.xml', autodiscoverRequest('alice@example.com'));
    assert.match(text, /<Port>143<\/Port>.*<Encryption>TLS<\/Encryption>/s);
  });

  test('is led there by the newer request in JSON, in both of its forms', async (context) => {
    const ask = await open(context);
    const expected = {
      status: 200,
      type: 'application/json; charset=utf-8',
      text: '{"Protocol":"AutodiscoverV1","Url":"https://autodiscover.example.com/autodiscover/autodiscover.xml"}',
    };
    assert.deepEqual(
      await ask('/autodiscover/autodiscover.json?Email=alice%40example.com&Protocol=Autodiscoverv1&RedirectCount=1'),
      expected,
    );
    assert.deepEqual(
      await ask('/autodiscover/autodiscover.json/v1.0/alice@example.com?Protocol=AutodiscoverV1'),
      expected,
    );
    assert.equal((await ask('/autodiscover/autodiscover.json/v1.0/alice@example.com?Protocol=ActiveSync')).status, 400);
  });

  test('is led there for a long address as well', async (context) => {
    const ask = await open(context);
    const address = `${'a'.repeat(64)}@${'b'.repeat(60)}.example`;
    const { status, text } = await ask(`/autodiscover/autodiscover.json/v1.0/${address}?Protocol=AutodiscoverV1`);
    assert.equal(status, 200, text);
    assert.match(text, /b{60}\.example\//);
  });

  test('takes an address with a sign that XML needs for itself, and gets it back whole', async (context) => {
    const ask = await open(context);
    const { text } = await ask(
      '/autodiscover/autodiscover.xml',
      autodiscoverRequest('o&apos;brien&amp;co@example.com'),
    );
    assert.match(text, /<LoginName>o&#39;brien&#38;co@example\.com<\/LoginName>/);
  });
});

describe('Apple Mail', () => {
  const path = '/mail/quarantine.mobileconfig';

  test('installs a profile with one account, for the address that was named', async (context) => {
    const ask = await open(context);
    const { status, type, text } = await ask(`${path}?emailaddress=alice@example.com`);
    assert.deepEqual([status, type], [200, 'application/x-apple-aspen-config; charset=utf-8']);
    const values = Object.fromEntries(
      [...text.matchAll(/<key>(\w+)<\/key>\n<(?:string|integer)>([^<]*)</g)].map(([, key = '', value]) => [key, value]),
    );
    assert.match(
      text,
      /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<!DOCTYPE plist PUBLIC .*\n<plist version="1\.0">\n<dict>/,
    );
    const { PayloadUUID, PayloadIdentifier, PayloadDescription, ...rest } = values;
    assert.deepEqual(rest, {
      PayloadType: 'com.apple.mail.managed',
      PayloadVersion: '1',
      PayloadDisplayName: 'Quarantine (alice@example.com)',
      EmailAccountDescription: 'Quarantine (alice@example.com)',
      EmailAccountType: 'EmailTypeIMAP',
      EmailAddress: 'alice@example.com',
      IncomingMailServerAuthentication: 'EmailAuthPassword',
      IncomingMailServerHostName: 'quarantine.example.com',
      IncomingMailServerPortNumber: '993',
      IncomingMailServerUsername: 'alice@example.com',
      OutgoingMailServerAuthentication: 'EmailAuthNone',
      OutgoingMailServerHostName: 'no-outgoing-mail.invalid',
    });
    assert.match(text, /<key>IncomingMailServerUseSSL<\/key>\n<true\/>/);
    assert.match(PayloadUUID ?? '', /^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-8[0-9A-F]{3}-[0-9A-F]{12}$/);
    assert.match(PayloadIdentifier ?? '', /^lazaretto\.quarantine\.example\.com\./);
    assert.match(PayloadDescription ?? '', /Nothing can be sent with this account\.$/);
    assert.doesNotMatch(text, /Password<\/key>/);
  });

  test('takes the profile for the same one when it is fetched again, and for another one of another address', async (context) => {
    const ask = await open(context);
    const uuids = async (address: string) =>
      (await ask(`${path}?emailaddress=${address}`)).text.match(/<key>PayloadUUID<\/key>\n<string>.*<\/string>/g);
    const [first, again, other] = [
      await uuids('alice@example.com'),
      await uuids('alice@example.com'),
      await uuids('bob@example.com'),
    ];
    assert.equal(new Set(first).size, 2);
    assert.deepEqual(first, again);
    assert.equal(new Set([...(first ?? []), ...(other ?? [])]).size, 4);
  });

  test('names the account in the language of the settings', async (context) => {
    const ask = await open(context, { shown: german });
    const { text } = await ask(`${path}?emailaddress=alice@example.com`);
    assert.match(text, /<string>Quarantäne \(alice@example\.com\)<\/string>/);
  });
});

describe('whoever asks', () => {
  const noAddress = [
    '',
    'alice',
    '@example.com',
    'alice@',
    'alice@exa mple.com',
    'alice@127.0.0.1',
    'a b@example.com',
    'a\r\nX: y@example.com',
    'a\u0000b@example.com',
    'a\uffffb@example.com',
    `${'a'.repeat(65)}@example.com`,
    `alice@${'a.'.repeat(130)}com`,
    'alice@example.com"><x y="',
    'alice@example.com/../x',
  ];

  test('for no address, or for what is none, is told so, and how to ask', async (context) => {
    const ask = await open(context);
    for (const given of noAddress) {
      const query = encodeURIComponent(given);
      const answers = [
        await ask(`/mail/config-v1.1.xml?emailaddress=${query}`),
        await ask(`/mail/quarantine.mobileconfig?emailaddress=${query}`),
        await ask(`/autodiscover/autodiscover.json?Email=${query}&Protocol=AutodiscoverV1`),
        await ask('/autodiscover/autodiscover.xml', autodiscoverRequest(given)),
      ];
      for (const { status, type, text } of answers) {
        assert.deepEqual([status, type], [400, 'text/plain; charset=utf-8'], given);
        assert.match(text, /^The address is missing or is none\. Expected: /);
      }
    }
    for (const path of [
      '/mail/quarantine.mobileconfig',
      '/mail/config-v1.1.xml?emailaddress=a@b.example&emailaddress=c@d.example',
    ])
      assert.equal((await ask(path)).status, 400, path);
  });

  test('with markup in a local part gets it back as text', async (context) => {
    const ask = await open(context);
    const { status, text } = await ask(
      `/mail/quarantine.mobileconfig?emailaddress=${encodeURIComponent('"</string><key>&"@example.com')}`,
    );
    assert.equal(status, 200);
    assert.doesNotMatch(text, /<\/string><key>&/);
    assert.ok(text.includes('<string>&#34;&#60;/string&#62;&#60;key&#62;&#38;&#34;@example.com</string>'));
  });

  test('by XML that is none, has entities of its own, is too long or wants another answer, is refused, and nothing is read for it', async (context) => {
    const ask = await open(context);
    const post = (body: string, type = 'text/xml') =>
      ask('/autodiscover/autodiscover.xml', { method: 'POST', headers: { 'Content-Type': type }, body });
    const entity = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><EMailAddress>&x;@example.com</EMailAddress>';
    for (const body of [
      '',
      'x',
      '<EMailAddress>',
      '<EMailAddress></EMailAddress>',
      '<EMailAddress><b>a@b.example</b></EMailAddress>',
    ])
      assert.equal((await post(body)).status, 400, body);
    const { text } = await post(entity);
    assert.match(text, /<LoginName>&#38;x;@example\.com</, 'an entity is a sign like others');
    const long = await post(`<EMailAddress>a@b.example</EMailAddress>${' '.repeat(9000)}`);
    assert.deepEqual([long.status, long.text], [413, 'This request cannot be understood.\n']);
    assert.equal((await post('<EMailAddress>a@b.example</EMailAddress>', 'text/html')).status, 415);
    const activeSync = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006';
    assert.equal(
      (await ask('/autodiscover/autodiscover.xml', autodiscoverRequest('a@b.example', activeSync))).status,
      400,
    );
    assert.equal((await ask('/autodiscover/autodiscover.xml')).status, 404, 'GET');
  });

  test('is told the same for an address that exists and for one that does not', async (context) => {
    const server = await startTestServer();
    context.after(() => server.close());
    const [http, imaps] = [server.server.listening.find(({ name }) => name === 'HTTP')?.port, server.port('IMAPS')];
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${http}${path}`)).text();
    for (const path of ['/mail/config-v1.1.xml', '/mail/quarantine.mobileconfig']) {
      const [alice = '', nobody = ''] = await Promise.all(
        ['alice', 'nobody'].map((name) => ask(`${path}?emailaddress=${name}@example.com`)),
      );
      assert.ok(alice.includes(`>${imaps}<`), 'the port that was opened');
      assert.ok(alice.includes('>quarantine.example.test<'));
      const hidden = (text: string) => text.replace(/alice|nobody/g, 'X').replace(/[0-9A-F]{8}-[0-9A-F-]{27}/g, 'UUID');
      assert.equal(hidden(alice), hidden(nobody));
    }
  });
});
