// The requests by which mail programs set up an account by themselves. Answered without a login, so they tell what is the same for
// everybody: where IMAP is. Whether an address exists cannot be found out here. Added by src/web/server.ts.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { autoconfigXml } from './autoconfig.ts';
import { autodiscoverJson, autodiscoverXml, readAutodiscoverRequest } from './autodiscover.ts';
import { readAccount } from './connect.ts';
import type { ImapServer, Shown } from './connect.ts';
import { mobileconfig } from './mobileconfig.ts';

export interface ConnectOptions {
  /** Best first; empty while this process serves no IMAP. */
  imapServers(): readonly ImapServer[];
  shown: Shown;
}

/** Where what is served. README tells a public web server in front to pass on exactly these. */
export const connectPaths = {
  autoconfig: ['/mail/config-v1.1.xml', '/.well-known/autoconfig/mail/config-v1.1.xml'],
  mobileconfig: '/mail/quarantine.mobileconfig',
  autodiscover: '/autodiscover/autodiscover.xml',
  autodiscoverJson: ['/autodiscover/autodiscover.json', '/autodiscover/autodiscover.json/v1.0/:email'],
} as const;

const xml = 'text/xml; charset=utf-8';
/** Outlook's request has some 400 bytes. */
const largestRequest = 8 * 1024;

/** A plugin, so that nothing else of the server takes XML. */
export function connectRoutes({ imapServers, shown }: ConnectOptions) {
  return (app: FastifyInstance, _options: object, done: () => void): void => {
    /** `answer` is called with at least one server. */
    const where =
      (
        answer: (
          request: FastifyRequest,
          reply: FastifyReply,
          servers: readonly [ImapServer, ...ImapServer[]],
        ) => unknown,
      ) =>
      (request: FastifyRequest, reply: FastifyReply): unknown => {
        const [best, ...others] = imapServers();
        return best ? answer(request, reply, [best, ...others]) : reply.callNotFound();
      };
    app.addContentTypeParser(
      ['text/xml', 'application/xml'],
      { parseAs: 'string', bodyLimit: largestRequest },
      (_request, body, parsed) => parsed(null, body),
    );
    for (const path of connectPaths.autoconfig) {
      app.get(
        path,
        where((request, reply, servers) => {
          const given = queryOf(request, 'emailaddress');
          const account = given === undefined ? null : readAccount(given);
          if (given !== undefined && !account) return refuse(reply, `${path}?emailaddress=alice@example.com`);
          return reply.type(xml).send(autoconfigXml(servers, account, shown));
        }),
      );
    }
    app.get(
      connectPaths.mobileconfig,
      where((request, reply, [server]) => {
        const account = readAccount(queryOf(request, 'emailaddress'));
        if (!account) return refuse(reply, `${connectPaths.mobileconfig}?emailaddress=alice@example.com`);
        return reply
          .type('application/x-apple-aspen-config; charset=utf-8')
          .header('Content-Disposition', 'attachment; filename="quarantine.mobileconfig"')
          .send(mobileconfig(server, account, shown));
      }),
    );
    app.post(
      connectPaths.autodiscover,
      { bodyLimit: largestRequest },
      where((request, reply, [server]) => {
        const account = typeof request.body === 'string' ? readAutodiscoverRequest(request.body) : null;
        if (account) return reply.type(xml).send(autodiscoverXml(server, account));
        return refuse(reply, 'an Autodiscover request for Outlook settings, with <EMailAddress>');
      }),
    );
    for (const path of connectPaths.autodiscoverJson) {
      app.get(
        path,
        where((request, reply) => {
          const account = readAccount((request.params as { email?: unknown }).email ?? queryOf(request, 'email'));
          const protocol = queryOf(request, 'protocol');
          if (account && typeof protocol === 'string' && /^autodiscoverv1$/i.test(protocol))
            return reply.send(autodiscoverJson(account));
          return refuse(reply, `${connectPaths.autodiscoverJson[0]}?Email=alice@example.com&Protocol=AutodiscoverV1`);
        }),
      );
    }
    done();
  };
}

/** Programs do not agree on capitals. A name that is given twice is none. */
function queryOf({ query }: FastifyRequest, name: string): unknown {
  return Object.entries(query as Record<string, unknown>).find(([key]) => key.toLowerCase() === name)?.[1];
}

function refuse(reply: FastifyReply, wanted: string): FastifyReply {
  return reply
    .code(400)
    .type('text/plain; charset=utf-8')
    .send(`The address is missing or is none. Expected: ${wanted}\n`);
}
