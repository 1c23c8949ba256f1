// What a listener answers: who may deliver, which recipients it takes, and what became of a message. Keeps nothing that `receive` has not
// made durable, and answers each recipient of an LMTP transaction for itself. Knows no sockets: smtp-shell.ts asks, listener.ts wires.
import { PermanentError, Refusal, TemporaryError } from '../quarantine/errors.ts';
import type { Envelope } from '../quarantine/message.ts';
import type { Log } from '../quarantine/ports.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { ownerFor, receive, Rejection } from '../quarantine/receive.ts';
import type { IntakeView } from '../quarantine/receive.ts';
import { readArrival } from './arrival.ts';
import { distinctRecipients, recipientKey } from './distinct-recipients.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { keptReply, replies, replyTo } from './reply.ts';
import type { Reply } from './reply.ts';

export interface DoorOptions {
  quarantine: Quarantine;
  view: IntakeView;
  isLmtp: boolean;
  budget: ReceiveBudget;
}

export class Door {
  readonly #options: DoorOptions;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  refuseClient(client: string): Reply {
    const reply = replies.clientNotAllowed;
    this.#log.warn(
      { event: 'reject', client, reply: told(reply) },
      'refused a client from a network that is not allowed',
    );
    this.#countRefusal(reply);
    return reply;
  }

  /** The balancer is set up wrongly, if it is no check of its own: that must not send anybody's mail back. */
  deferUnknownClient(balancer: string): Reply {
    const reply = replies.clientUnknown;
    this.#log.warn(
      { event: 'defer', client: balancer, view: this.#options.view, reply: told(reply) },
      'deferred a client: the balancer does not say whose connection it brings',
    );
    this.#countRefusal(reply);
    return reply;
  }

  /**
   * Asked at RCPT, also for what is wrong with the sender (outgoing mail of a domain that is not ours): sending servers write the reply to
   * RCPT into the log line of the recipient, and some treat a refused MAIL as a broken server and try again for days.
   */
  refusalOf(sender: string, recipient: string): Reply | null {
    try {
      ownerFor(this.#options.quarantine, this.#options.view, sender, recipient);
      return null;
    } catch (error) {
      return this.#refuse(error, { sender, recipient });
    }
  }

  /** Before the first byte: while others fill the memory there is no point in sending. */
  deferralOfData(announcedBytes: number): Reply | null {
    const { freeBytes } = this.#options.budget;
    if (freeBytes > 0 && freeBytes >= announcedBytes) return null;
    return this.#defer({ announcedBytes });
  }

  /** LMTP: one reply for each recipient of the envelope. SMTP: one. Never rejects. */
  async take(message: AsyncIterable<Buffer>, envelope: Envelope): Promise<Reply[]> {
    const { maxMessageBytes } = this.#options.quarantine.policy;
    const arrival = await readArrival(message, maxMessageBytes, this.#options.budget);
    switch (arrival.kind) {
      case 'broken-off':
        this.#log.info(
          { event: 'intake', view: this.#options.view, envelope, reason: 'broken off' },
          'a client went away before its message was complete',
        );
        return this.#sameForAll(envelope, replyTo(undefined));
      case 'no-room':
        return this.#sameForAll(envelope, this.#defer({ envelope }));
      case 'too-large':
        return this.#sameForAll(envelope, this.#refuse(tooLarge(maxMessageBytes), envelope));
      case 'complete':
        try {
          return await this.#keep(arrival.raw, envelope);
        } catch (error) {
          return this.#sameForAll(envelope, this.#refuse(error, envelope));
        } finally {
          arrival.release();
        }
    }
  }

  async #keep(raw: Buffer, envelope: Envelope): Promise<Reply[]> {
    const { quarantine, view, isLmtp } = this.#options;
    const outcomes = new Map<string, Reply>();
    const accepted: string[] = [];
    // Asked at RCPT already; a domain may have been removed while the message was on its way.
    for (const recipient of distinctRecipients(envelope.recipients)) {
      const refusal = this.refusalOf(envelope.sender, recipient);
      if (refusal) outcomes.set(recipientKey(recipient), refusal);
      else accepted.push(recipient);
    }
    // With one reply for all, nothing may be kept for some: the client would send it again for them too.
    if (!isLmtp && outcomes.size) throw new TemporaryError('The recipients changed meanwhile; please try again.');
    if (accepted.length) {
      const { messages } = await receive(quarantine, {
        view,
        raw,
        envelope: { sender: envelope.sender, recipients: accepted },
      });
      const ids = messages.flatMap(({ id }) => id ?? []);
      this.#log.info({ event: 'arrival', view, ids, envelope, sizeBytes: raw.length }, 'kept a message');
      if (!isLmtp) return [keptReply(ids)];
      for (const [i, recipient] of accepted.entries()) {
        // Outgoing mail is one message for all its recipients.
        const id = (messages[i] ?? messages[0])?.id;
        outcomes.set(recipientKey(recipient), keptReply(id ? [id] : []));
      }
    }
    return envelope.recipients.map((recipient) => outcomes.get(recipientKey(recipient)) ?? replyTo(undefined));
  }

  #sameForAll(envelope: Envelope, reply: Reply): Reply[] {
    return this.#options.isLmtp ? envelope.recipients.map(() => reply) : [reply];
  }

  #defer(fields: object): Reply {
    const reply = replies.tooMuchArriving;
    const { view } = this.#options;
    this.#log.warn(
      { event: 'defer', ...fields, view, reply: told(reply) },
      'deferred a message: too much mail is arriving at the same moment',
    );
    this.#count('deferred', reply);
    return reply;
  }

  #refuse(error: unknown, fields: object): Reply {
    const reply = replyTo(error);
    const facts = { ...fields, view: this.#options.view, reply: told(reply) };
    if (error instanceof TemporaryError) this.#log.warn({ event: 'defer', ...facts, err: error }, 'deferred mail');
    else if (error instanceof PermanentError || error instanceof Refusal)
      this.#log.info({ event: 'reject', ...facts }, 'refused mail');
    else this.#log.error({ event: 'defer', ...facts, err: error }, 'deferred mail because of an unexpected error');
    this.#count(reply.code < 500 ? 'deferred' : 'refused', reply);
    return reply;
  }

  #count(outcome: 'refused' | 'deferred', reply: Reply): void {
    const { quarantine, view } = this.#options;
    quarantine.meter?.count('arrivals', { folder: quarantine.folders.showing(view)?.mailbox ?? view, outcome });
    this.#countRefusal(reply);
  }

  #countRefusal({ text }: Reply): void {
    const { quarantine, isLmtp } = this.#options;
    const [code = ''] = text.split(' ', 1);
    quarantine.meter?.count('refusals', { protocol: isLmtp ? 'lmtp' : 'smtp', code });
  }

  logTrouble(error: unknown): void {
    // Clients go away, and TLS with strangers fails; the code says which. What is a bug of ours comes through #refuse.
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.info({ event: 'intake', view: this.#options.view, reason }, 'an intake connection failed');
  }

  get #log(): Log {
    return this.#options.quarantine.log;
  }
}

function told({ code, text }: Reply): string {
  return `${code} ${text}`;
}

function tooLarge(maxMessageBytes: number): Rejection {
  return new Rejection('too-large', `The message is larger than ${maxMessageBytes} bytes.`);
}
