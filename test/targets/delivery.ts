// A delivery attempt with everything filled in, and one call for one attempt against a far end that follows one step.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { DeliveryAttempt, RecipientOutcome } from '../../src/quarantine/target.ts';
import { SmtpTarget, type SmtpTargetOptions } from '../../src/targets/smtp.ts';
import { type FarEnd, type FarEndOptions, startFarEnd, type Step } from '../helpers/far-end.ts';

export const sampleContent = Buffer.from('From: a@example.net\r\nSubject: hello\r\n\r\nOne line.\r\n');
export const sampleTrace = 'msg1.1 by quarantine.example.net';
export const traceLine = Buffer.from(`X-Lazaretto-Release: ${sampleTrace}\r\n`);

export interface AttemptParts {
  content?: Buffer;
  sender?: string;
  recipients?: string[];
  signal?: AbortSignal;
  trace?: string;
}

export function attemptTo(deliverTo: string, parts: AttemptParts = {}): DeliveryAttempt {
  return {
    content: parts.content ?? sampleContent,
    trace: parts.trace ?? sampleTrace,
    envelope: { sender: parts.sender ?? 'sender@example.net', recipients: parts.recipients ?? ['bob@example.com'] },
    deliverTo,
    heloName: 'quarantine.example.net',
    signal: parts.signal ?? new AbortController().signal,
  };
}

/** Errors that nobody foresaw fail the test that caused them. */
export function newTarget(t: TestContext, options: SmtpTargetOptions = {}): SmtpTarget {
  const unexpected: unknown[] = [];
  const target = new SmtpTarget({ onUnexpectedError: (error) => unexpected.push(error), ...options });
  t.after(async () => {
    await target.close();
    assert.deepEqual(unexpected, [], 'no attempt may end by an error that nobody foresaw');
  });
  return target;
}

export async function newFarEnd(t: TestContext, options: FarEndOptions = {}): Promise<FarEnd> {
  const farEnd = await startFarEnd(options);
  t.after(() => farEnd.close());
  return farEnd;
}

/** One attempt against a far end that follows one step; the outcomes by address. */
export async function outcomesWith(
  t: TestContext,
  step: Step,
  parts: AttemptParts & { farEnd?: FarEndOptions; target?: SmtpTargetOptions } = {},
): Promise<{ farEnd: FarEnd; outcomes: RecipientOutcome[] }> {
  const farEnd = await newFarEnd(t, { script: [step], ...parts.farEnd });
  const outcomes = await newTarget(t, parts.target).deliver(attemptTo(farEnd.url, parts));
  assert.deepEqual(
    outcomes.map(({ address }) => address),
    parts.recipients ?? ['bob@example.com'],
    'exactly one outcome per recipient, in order',
  );
  return { farEnd, outcomes };
}

export const brief = (outcomes: RecipientOutcome[]): string[] =>
  outcomes.map(({ outcome, reply }) => `${outcome} ${reply}`);
