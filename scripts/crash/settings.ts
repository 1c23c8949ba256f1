// The settings of the crash run: everything on free loopback ports, one domain, one login.
import { defaultSettings } from '../../src/settings.ts';
import type { Settings } from '../../src/settings.ts';

export const login = 'alice@example.com';
export const password = 'crash and come back';

export interface CrashPlace {
  directory: string;
  /** URL of the store. */
  store: string;
  nextHop: string;
}

export function crashSettings({ directory, store, nextHop }: CrashPlace): Settings {
  const defaults = defaultSettings(directory);
  const address = '127.0.0.1';
  return {
    ...defaults,
    store,
    hostname: 'quarantine.example.test',
    imap: { ...defaults.imap, listen: [{ address, port: 0, tls: 'implicit', proxyProtocol: false }] },
    intake: [{ protocol: 'lmtp', address, port: 0, folder: 'caught', allow: [], proxyProtocol: false }],
    http: { address, port: 0 },
    delivery: { ...defaults.delivery, outgoing: nextHop },
    training: [{ type: 'maildir', name: 'maildir', path: `${directory}/reports` }],
  };
}
