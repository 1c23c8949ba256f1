// A door that mail comes in by: an LMTP or SMTP listener that keeps what arrives in one view. Says 250 only after `receive` has resolved,
// so that until then the sending server has the message. Never asks DNS, never bounces, and never dies of one connection.
// Opened by src/main.ts, one per entry of the settings' `intake`.
import { loopbackNetworks, networkMatcher } from '../net/networks.ts';
import { directClient, proxiedClients } from '../net/proxied-client.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { IntakeView } from '../quarantine/receive.ts';
import { Door } from './door.ts';
import { closeGraceMs, defaultMaxClients, receivingBytesFor } from './limits.ts';
import { createReceiveBudget } from './receive-budget.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { SmtpShell } from './smtp-shell.ts';
import type { Certificate } from './smtp-shell.ts';

export interface IntakeOptions {
  protocol: 'lmtp' | 'smtp';
  /** IP address to listen on. */
  address: string;
  /** 0: any free one. */
  port: number;
  /** Where the mail of this door is kept. */
  view: IntakeView;
  /** Our name in the greeting. */
  hostname: string;
  /** Networks (CIDR) or single addresses that may hand mail in. None: loopback only. */
  allow?: readonly string[];
  /** Networks of the balancers that connect here, each time with a PROXY header. Absent: clients connect by themselves. */
  trustedProxies?: readonly string[];
  /** STARTTLS is offered when there is one. */
  tls?: Certificate;
  maxClients?: number;
  /** Shared by all listeners of a process; a listener that is given none has one of its own. */
  budget?: ReceiveBudget;
  closeGraceMs?: number;
}

export interface Intake {
  address: string;
  port: number;
  /** For connections from now on. */
  setCertificates(certificate: Certificate): void;
  /**
   * Refuses new connections at once, lets transactions that are under way come to their end (bounded), and ends connections with 421.
   * May be called twice.
   */
  close(): Promise<void>;
}

/** Resolves when it listens. Rejects when the address or port cannot be had or a network of `allow` is none. */
export async function openIntake(options: IntakeOptions, quarantine: Quarantine): Promise<Intake> {
  const isAllowed = networkMatcher(options.allow?.length ? options.allow : loopbackNetworks);
  const { trustedProxies } = options;
  const { maxMessageBytes } = quarantine.policy;
  const door = new Door({
    quarantine,
    view: options.view,
    isLmtp: options.protocol === 'lmtp',
    budget: options.budget ?? createReceiveBudget(receivingBytesFor(maxMessageBytes)),
  });
  const shell = new SmtpShell(
    {
      isLmtp: options.protocol === 'lmtp',
      hostname: options.hostname,
      maxMessageBytes,
      maxClients: options.maxClients ?? defaultMaxClients,
      closeGraceMs: options.closeGraceMs ?? closeGraceMs,
      ...(options.tls ? { certificate: options.tls } : {}),
    },
    {
      clientOf:
        trustedProxies === undefined
          ? (socket) => Promise.resolve(directClient(socket))
          : proxiedClients({ trustedProxies, log: quarantine.log }),
      // A balancer may ask how we are, with EHLO as well, wherever it is; to hand mail in is another matter.
      onConnect: ({ address, isBalancer }) => (isBalancer || isAllowed(address) ? null : door.refuseClient(address)),
      onSender: ({ address }) => (isAllowed(address) ? null : door.deferUnknownClient(address)),
      onRecipient: (envelope, recipient) => door.refusalOf(envelope.sender, recipient),
      onData: (announcedBytes) => door.deferralOfData(announcedBytes),
      onMessage: (message, envelope) => door.take(message, envelope),
      onTrouble: (error) => door.logTrouble(error),
    },
  );
  const { address, port } = await shell.listenOn(options.port, options.address);
  let closed: Promise<void> | undefined;
  return {
    address,
    port,
    setCertificates: (certificate) => shell.setCertificate(certificate),
    close: () => (closed ??= shell.shutDown()),
  };
}
