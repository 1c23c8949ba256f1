// Where mail programs find IMAP, as they are told by autoconfig and the DNS. Pure. Called by main.ts with the ports that were opened, and by
// `lazaretto doctor` with those of the settings.
import type { Settings } from './settings.ts';
import type { ImapServer } from './web/connect/connect.ts';

/**
 * Best first: TLS from the first byte on, then STARTTLS, unless the settings put them in an order of their own. `opened` are the ports of
 * `imap.listen`, in its order, as they were opened (a 0 in the settings is any).
 */
export function imapServers(
  { hostname, imap }: Pick<Settings, 'hostname' | 'imap'>,
  opened: readonly { port: number }[] = imap.listen,
): ImapServer[] {
  if (imap.public) return imap.public.map(({ host = hostname, port, tls }) => ({ host, port, tls }));
  const servers = imap.listen.map(({ port, tls }, i) => ({ host: hostname, port: opened[i]?.port ?? port, tls }));
  const distinct = servers.filter(
    ({ port, tls }, index) => servers.findIndex((one) => one.port === port && one.tls === tls) === index,
  );
  return distinct.sort((a, b) => Number(a.tls === 'starttls') - Number(b.tls === 'starttls'));
}
