// The settings file of the demo: written out, so that the other commands can be tried beside it with --config, and so that a person sees
// what one looks like. Called by start-demo.ts.
import { settingsMark } from './directory.ts';
import type { DemoPorts } from './ports.ts';

export interface DemoFarEnds {
  nextHopPort: number;
  learningFilterPort: number;
}

export function settingsText(ports: DemoPorts, { nextHopPort, learningFilterPort }: DemoFarEnds): string {
  return `${settingsMark}
hostname: localhost
roles: [imap, intake, worker]
imap:
  listen:
    - { address: 127.0.0.1, port: ${ports.imaps}, tls: implicit }
    - { address: 127.0.0.1, port: ${ports.imap}, tls: starttls }
intake:
  - { protocol: lmtp, address: 127.0.0.1, port: ${ports.caught}, folder: caught }
  - { protocol: lmtp, address: 127.0.0.1, port: ${ports.outgoing}, folder: outgoing }
  - { protocol: smtp, address: 127.0.0.1, port: ${ports.training}, folder: training }
http: { port: ${ports.http} }
delivery:
  outgoing: smtp://127.0.0.1:${nextHopPort}
training:
  - { type: rspamd, url: 'http://127.0.0.1:${learningFilterPort}' }
`;
}
