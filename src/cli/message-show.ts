// `lazaretto message show`: one message with everything that is known about it, or its bytes as they came in. Called by message-commands.ts.
import type { Command } from 'commander';
import { commandRefusals } from '../quarantine/command-refusals.ts';
import { Refusal } from '../quarantine/errors.ts';
import type { Message } from '../quarantine/message.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import type { Evidence } from '../quarantine/reading/evidence.ts';
import { htmlToText } from '../quarantine/reading/html-text.ts';
import type { Reading } from '../quarantine/reading/reading.ts';
import { expiresAt } from '../quarantine/retention.ts';
import type { Scope } from '../quarantine/scope.ts';
import { jsonDate, writeOut } from './answer.ts';
import { withQuarantine } from './command-context.ts';
import { exampleId, examples } from './help-text.ts';
import { forScripts, scopeOf } from './message-list.ts';
import { ordersForScripts, ordersOf, stateOf } from './message-story.ts';
import { shownDate, shownSize, shownText, wrapped } from './shown-values.ts';

/** Enough to find the text of any real mail; an attachment behind it need not be decoded. */
const parsedBytes = 1_000_000;
const previewLines = 40;
const previewWidth = 78;

export function addMessageShow(message: Command): void {
  message
    .command('show')
    .description('show one message: headers, envelope, evidence, state, text')
    .argument('<id>', 'as shown by message list')
    .option('--raw', 'only the bytes as they came in')
    .option('--as <login>', 'as this login may see it (default: global)')
    .addHelpText('after', examples(`message show ${exampleId}`, `message show --raw ${exampleId} > message.eml`))
    .action(async (id: string, options: { raw?: boolean; as?: string }, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const scope = scopeOf(quarantine, options.as);
        const [found] = await quarantine.storage.find(scope, { ids: [id], which: 'all' });
        if (!found) throw new Refusal('NONEXISTENT', commandRefusals.notThere(id));
        if (options.raw) return writeRaw(quarantine, scope, id);
        const [reading = null] = await quarantine.storage.readings(scope, [id]);
        const text = await textOf(quarantine, scope, id);
        const expires = expiresAt(quarantine, found);
        await answer(shownMessage(found, { reading, text, expires }), {
          ...forScripts(found, reading),
          internalDate: jsonDate(found.internalDate),
          heldSince: jsonDate(found.heldSince),
          expiresAt: jsonDate(expires),
          holding: found.holding,
          visibleTo: found.visibleTo,
          evidence: found.evidence,
          ...ordersForScripts(found),
          text,
        });
      }),
    );
}

async function writeRaw(quarantine: Quarantine, scope: Scope, id: string): Promise<void> {
  const bytes = await quarantine.storage.content(scope, id);
  if (!bytes) throw new Refusal('NONEXISTENT', goneText(id));
  await writeOut(bytes);
}

function goneText(id: string): string {
  return `The content of message ${id} is gone; only what became of it is remembered.`;
}

/** The message's text without control characters; null when there is none. */
async function textOf(quarantine: Quarantine, scope: Scope, id: string): Promise<string | null> {
  const bytes = await quarantine.storage.content(scope, id, 0, parsedBytes);
  if (!bytes) return null;
  try {
    // Only now, because it is large and no other command needs it.
    const { default: mailparser } = await import('mailparser');
    const mail = await mailparser.simpleParser(bytes, {
      skipImageLinks: true,
      skipTextToHtml: true,
      skipTextLinks: true,
      // Its own way takes quadratic time on some mail.
      skipHtmlToText: true,
    });
    const text = mail.text?.trim() || htmlToText(mail.html || '');
    return readableText(text) || null;
  } catch {
    // What mailparser cannot read is shown without its text; --raw has the bytes.
    return null;
  }
}

interface Shown {
  reading: Reading | null;
  text: string | null;
  expires: number | null;
}

function shownMessage(message: Message, { reading, text, expires }: Shown): string {
  const { envelope, owner, evidence } = message;
  const lines = [
    field('id', message.id),
    ...(reading ? headerFields(reading) : []),
    field('sender', envelope.sender || '<>'),
    ...envelope.recipients.map((recipient) => field('recipient', recipient)),
    field('owner', owner.address || owner.domain || 'global'),
    field('folder', `${message.view}, category ${message.category}`),
    field('state', stateOf(message)),
    field('seen by', message.visibleTo.join(', ') || 'nobody'),
    field('received', `${shownDate(message.receivedAt)}, held since ${shownDate(message.heldSince)}`),
    ...(expires === null ? [] : [field('expires', shownDate(expires))]),
    field('size', shownSize(message.sizeBytes)),
    ...(evidence ? evidenceFields(evidence) : []),
    ...ordersOf(message).map((line, index) => `${(index ? '' : 'orders').padEnd(12)}${line}`),
    ...(reading?.attachments ?? []).map(({ name, type, sizeBytes }) =>
      field('attachment', `${name || '(no name)'} (${type}, ${shownSize(sizeBytes)})`),
    ),
  ];
  return [...lines, '', shownPreview(message, text)].join('\n');
}

function headerFields({ summary }: Reading): string[] {
  return [
    field('subject', summary.subject),
    field('from', summary.from),
    field('to', summary.to),
    ...(summary.cc ? [field('cc', summary.cc)] : []),
    ...(summary.date === null ? [] : [field('date', shownDate(summary.date))]),
    field('message-id', summary.messageId),
  ];
}

function evidenceFields(evidence: Evidence): string[] {
  const { score, action, filterId, symbols, headers } = evidence;
  const facts = [
    ...(evidence.class === undefined ? [] : [`class ${evidence.class}`]),
    ...(score === undefined ? [] : [`score ${score}`]),
    ...(action === undefined ? [] : [`action ${action}`]),
    ...(filterId === undefined ? [] : [`filter id ${filterId}`]),
  ];
  return [
    ...(facts.length ? [field('evidence', facts.join(', '))] : []),
    ...(symbols?.length ? [field('symbols', symbols.join(' '))] : []),
    ...headers.map(({ name, value }) => field('', `${name}: ${value}`)),
  ];
}

function field(name: string, value: string): string {
  return `${name.padEnd(12)}${shownText(value)}`;
}

function readableText(text: string): string {
  const lines = text.split(/\r?\n/).map((line) => shownText(line));
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function shownPreview(message: Message, text: string | null): string {
  if (message.contentReleased) return goneText(message.id);
  if (!text) return '(no text)';
  const lines = text.split('\n').flatMap((line) => wrapped(line, previewWidth));
  const more = lines.length > previewLines ? ['… (message show --raw has all of it)'] : [];
  return [...lines.slice(0, previewLines), ...more].join('\n');
}
