// Thunderbird's format, which K-9, Evolution, KMail and others read as well. The published description:
// https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat. Called by routes.ts.
import { escapeMarkup } from '../../quarantine/markup.ts';
import { noOutgoingServer } from './connect.ts';
import type { Account, ImapServer, Shown } from './connect.ts';

/** `account` is null when the program did not say for whom it asks: the answer is good for any address. */
export function autoconfigXml(servers: readonly ImapServer[], account: Account | null, shown: Shown): string {
  const domain = account?.domain ?? servers[0]?.host ?? '';
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<clientConfig version="1.1">',
    `  <emailProvider id="${escapeMarkup(domain)}">`,
    `    <domain>${escapeMarkup(domain)}</domain>`,
    `    <displayName>${escapeMarkup(shown.sender)}</displayName>`,
    `    <displayShortName>${escapeMarkup(shown.sender)}</displayShortName>`,
    ...servers.flatMap(({ host, port, tls }) => [
      '    <incomingServer type="imap">',
      `      <hostname>${escapeMarkup(host)}</hostname>`,
      `      <port>${port}</port>`,
      `      <socketType>${tls === 'implicit' ? 'SSL' : 'STARTTLS'}</socketType>`,
      // "cleartext" means that TLS alone protects it.
      '      <authentication>password-cleartext</authentication>',
      // Filled in by the program, so that what it asked for never has to be repeated here.
      '      <username>%EMAILADDRESS%</username>',
      '    </incomingServer>',
    ]),
    // Without one Thunderbird refuses the whole file. It takes the server that the person sends with anyway, where there is one.
    '    <outgoingServer type="smtp">',
    `      <hostname>${noOutgoingServer}</hostname>`,
    '      <port>587</port>',
    '      <socketType>STARTTLS</socketType>',
    '      <authentication>none</authentication>',
    '      <useGlobalPreferredServer>true</useGlobalPreferredServer>',
    '    </outgoingServer>',
    '  </emailProvider>',
    '</clientConfig>',
    '',
  ].join('\n');
}
