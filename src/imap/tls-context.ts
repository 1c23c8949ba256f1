// TLS: which certificate answers to which host name, and the upgrade of a plain socket, for both kinds of listener. Uses
// our own contexts only, TLS 1.2 at least; the certificate that imap-core brings along is never touched. Used by imap-core.ts
// and client-socket.ts.

import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import { domainToASCII } from 'node:url';

export interface Certificate {
  /** PEM, with the intermediate certificates. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Host names that this certificate is for, `*.example.com` included. Absent or empty: for all others. */
  readonly hosts?: readonly string[];
}

export class TlsContexts {
  readonly #byHost = new Map<string, SecureContext>();
  readonly #default: SecureContext;
  readonly #chooseFor = (serverName: string, done: (error: null, context: SecureContext) => void): void =>
    done(null, this.choose(serverName));

  /** Throws when there is no certificate, or one that cannot be read or does not belong to its key. */
  constructor(certificates: readonly Certificate[]) {
    const contexts = certificates.map(({ cert, key, hosts = [] }) => ({
      hosts,
      context: createSecureContext({ cert, key, minVersion: 'TLSv1.2', honorCipherOrder: true }),
    }));
    const chosen = contexts.find(({ hosts }) => hosts.length === 0) ?? contexts[0];
    if (chosen === undefined) throw new Error('IMAP needs a TLS certificate');
    this.#default = chosen.context;
    for (const { hosts, context } of contexts) for (const host of hosts) this.#byHost.set(hostKey(host), context);
  }

  /** Never fails: a client that asks for an unknown name gets the default certificate and may accept or refuse it. */
  choose(serverName: string): SecureContext {
    const host = hostKey(serverName);
    return this.#byHost.get(host) ?? this.#byHost.get(host.replace(/^[^.]+/, '*')) ?? this.#default;
  }

  /**
   * Rejects, with the socket destroyed, when the handshake fails or takes longer than `timeoutMs`. Nobody else may read
   * from the socket or listen to it any more.
   */
  secure(socket: Socket, timeoutMs: number): Promise<TLSSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#default,
      SNICallback: this.#chooseFor,
    });
    // For the whole handshake, in however many pieces it comes.
    const deadline = setTimeout(() => fail(new Error('the TLS handshake took too long')), timeoutMs);
    const fail = (problem: Error): void => {
      clearTimeout(deadline);
      reject(problem);
      secured.destroy();
      socket.destroy();
    };
    // Outside of tls.Server errors come as "_tlsError" alone, and after the handshake they would not even end the socket.
    secured.on('_tlsError', fail);
    secured.on('error', fail);
    const closed = (): void => fail(new Error('the connection was closed during the TLS handshake'));
    secured.once('end', closed).once('close', closed);
    secured.once('secure', () => {
      clearTimeout(deadline);
      // From here on nothing of this call is held for as long as the session lasts.
      secured.off('end', closed).off('close', closed).off('_tlsError', fail).off('error', fail);
      secured.on('_tlsError', destroy).on('error', destroy);
      resolve(secured);
    });
    return promise;
  }
}

function destroy(this: Socket): void {
  this.destroy();
}

/** Outlook for Mac sends the name with a trailing dot; people write names of their own language into settings. */
function hostKey(name: string): string {
  const host = name.trim().replace(/\.$/, '').toLowerCase();
  return domainToASCII(host) || host;
}
