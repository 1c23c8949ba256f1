// Apple's format: a configuration profile with one mail account, not signed, for iPhone, iPad and Mac. The keys are those of
// com.apple.mail.managed in https://github.com/apple/device-management. Called by routes.ts.
import { createHash } from 'node:crypto';
import { escapeMarkup } from '../../quarantine/markup.ts';
import { noOutgoingServer } from './connect.ts';
import type { Account, ImapServer, Shown } from './connect.ts';

type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

export function mobileconfig({ host, port }: ImapServer, { address }: Account, { sender, profile }: Shown): string {
  const title = `${sender} (${address})`;
  const identifier = `lazaretto.${host}.${uuidOf(`${host} ${address}`)}`;
  const account: Value = {
    PayloadType: 'com.apple.mail.managed',
    PayloadVersion: 1,
    PayloadIdentifier: `${identifier}.mail`,
    PayloadUUID: uuidOf(`${host} ${address} mail`),
    PayloadDisplayName: title,
    EmailAccountDescription: title,
    EmailAccountType: 'EmailTypeIMAP',
    EmailAddress: address,
    IncomingMailServerAuthentication: 'EmailAuthPassword',
    IncomingMailServerHostName: host,
    IncomingMailServerPortNumber: port,
    // Of either kind: which one, follows from the port.
    IncomingMailServerUseSSL: true,
    IncomingMailServerUsername: address,
    // Both are required. The device asks for a password where authentication is wanted, so none is.
    OutgoingMailServerAuthentication: 'EmailAuthNone',
    OutgoingMailServerHostName: noOutgoingServer,
    // Other apps offer no account to send with that cannot.
    PreventAppSheet: true,
    disableMailRecentsSyncing: true,
  };
  const whole: Value = {
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: uuidOf(`${host} ${address} profile`),
    PayloadDisplayName: title,
    PayloadDescription: profile(address),
    PayloadContent: [account],
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    plist(whole),
    '</plist>',
    '',
  ].join('\n');
}

function plist(value: Value): string {
  if (typeof value === 'string') return `<string>${escapeMarkup(value)}</string>`;
  if (typeof value === 'number') return `<integer>${value}</integer>`;
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>';
  if (isList(value)) return ['<array>', ...value.map(plist), '</array>'].join('\n');
  const keys = Object.entries(value).map(([key, inner]) => `<key>${escapeMarkup(key)}</key>\n${plist(inner)}`);
  return ['<dict>', ...keys, '</dict>'].join('\n');
}

function isList(value: readonly Value[] | { readonly [key: string]: Value }): value is readonly Value[] {
  return Array.isArray(value);
}

/** RFC 9562 section 5.8. The same each time, so that a profile which is installed again takes the place of the former one. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return parts.join('-').toUpperCase();
}
