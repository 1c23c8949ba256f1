// A door that mail comes in by: an LMTP or SMTP listener that keeps what arrives in one view. Says 250 only after `receive` has resolved,
// so that until then the sending server has the message. Never asks DNS, never bounces, and never dies of one connection.
// Opened by src/main.ts, one per entry of the settings' `intake`.
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { IntakeView } from '../quarantine/receive.ts';
import { allowedClients } from './allowed-clients.ts';
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
  /** Networks (CIDR) or single addresses that may connect. None: loopback only. */
  allow?: readonly string[];
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
  const isAllowed = allowedClients(options.allow);
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
      onConnect: (client) => (isAllowed(client) ? null : door.refuseClient(client)),
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
