// Outlook's format, [MS-OXDSCLI]: a POST of XML that names an address, answered with settings for it, and the small JSON by which newer
// programs ask where to send that POST. Nothing but the address is taken out of the request, and no XML is interpreted for it: no entity, no
// DTD. Called by routes.ts.
import { escapeMarkup } from '../../quarantine/markup.ts';
import { readAccount } from './connect.ts';
import type { Account, ImapServer } from './connect.ts';

const outlookSchema = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';

/** Null when it names no address, or wants an answer in another form (ActiveSync, which is not spoken here). */
export function readAutodiscoverRequest(xml: string): Account | null {
  const wanted = textOf(xml, 'AcceptableResponseSchema');
  if (wanted !== null && wanted !== outlookSchema) return null;
  return readAccount(textOf(xml, 'EMailAddress'));
}

/** Of the first such element, whatever prefix its namespace has. */
function textOf(xml: string, element: string): string | null {
  const found = new RegExp(`<(?:[\\w-]+:)?${element}(?:\\s[^<>]*)?>([^<>]*)</`).exec(xml)?.[1];
  return found === undefined ? null : unescaped(found.trim());
}

const characters: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function unescaped(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => characters[name] ?? '');
}

/** An account may have no SMTP here: the format lists the protocols that there are. */
export function autodiscoverXml({ host, port, tls }: ImapServer, { address }: Account): string {
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">',
    `  <Response xmlns="${outlookSchema}">`,
    '    <Account>',
    '      <AccountType>email</AccountType>',
    '      <Action>settings</Action>',
    '      <Protocol>',
    '        <Type>IMAP</Type>',
    `        <Server>${escapeMarkup(host)}</Server>`,
    `        <Port>${port}</Port>`,
    `        <LoginName>${escapeMarkup(address)}</LoginName>`,
    '        <DomainRequired>off</DomainRequired>',
    // Microsoft's own way to log in, which is on where nothing is said.
    '        <SPA>off</SPA>',
    '        <SSL>on</SSL>',
    `        <Encryption>${tls === 'implicit' ? 'SSL' : 'TLS'}</Encryption>`,
    '        <AuthRequired>on</AuthRequired>',
    '      </Protocol>',
    '    </Account>',
    '  </Response>',
    '</Autodiscover>',
    '',
  ].join('\r\n');
}

/** Where the XML is for addresses of this domain: at the name that README and `doctor` ask for. */
export function autodiscoverJson({ domain }: Account): { Protocol: string; Url: string } {
  return { Protocol: 'AutodiscoverV1', Url: `https://autodiscover.${domain}/autodiscover/autodiscover.xml` };
}
