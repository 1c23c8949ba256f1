// Reads a transcript: its head (client, situation, origin, source), then the given part, the dialogue and the then part.
import { parseDialogue } from './parse-dialogue.ts';
import { parseGiven, parseOutcome } from './parse-stage.ts';
import { readStatements } from './statements.ts';
import type { Statement } from './statements.ts';
import { TranscriptError } from './transcript.ts';
import type { Transcript } from './transcript.ts';

const heads = ['client', 'situation', 'origin', 'source'] as const;
const sections = ['given:', 'dialogue:', 'then:'] as const;

/** @throws TranscriptError that names the line and what was expected there */
export function parseTranscript(path: string, text: string): Transcript {
  const statements = readStatements(path, text);
  const headings = sections.map((section) => {
    const found = statements.findIndex((statement) => statement.text.trimEnd() === section);
    const heading = statements[found];
    if (!heading) throw new TranscriptError(path, text.split('\n').length, `a line "${section}" was expected`);
    return { index: found, heading };
  });
  const [given, dialogue, then] = headings;
  if (!given || !dialogue || !then || given.index > dialogue.index || dialogue.index > then.index) {
    throw new TranscriptError(path, 1, `the parts were expected in this order: ${sections.join(' ')}`);
  }
  const head = readHead(path, statements.slice(0, given.index));
  const stage = parseGiven(path, statements.slice(given.index + 1, dialogue.index));
  const steps = parseDialogue(path, statements.slice(dialogue.index + 1, then.index), stage);
  const outcome = parseOutcome(path, then.heading, statements.slice(then.index + 1));
  return { path, ...head, given: stage, steps, outcome };
}

function readHead(path: string, statements: readonly Statement[]): Pick<Transcript, 'client' | 'situation' | 'origin'> {
  const said = new Map<string, string>();
  for (const { line, text, below } of statements) {
    const [, key = '', value = ''] = /^(\w+): *(.*)$/.exec(text) ?? [];
    if (!heads.some((head) => head === key)) {
      throw new TranscriptError(
        path,
        line,
        `one of ${heads.map((head) => `"${head}:"`).join(', ')} was expected; there is: ${text}`,
      );
    }
    said.set(key, [value, ...below.map((more) => more.text)].join(' ').trim());
  }
  for (const head of heads) {
    if (!said.get(head)) throw new TranscriptError(path, 1, `a line "${head}: ..." was expected before "given:"`);
  }
  const origin = said.get('origin');
  if (origin !== 'recorded' && origin !== 'composed') {
    throw new TranscriptError(path, 1, `"origin: recorded" or "origin: composed" was expected; there is: ${origin}`);
  }
  return { client: said.get('client') ?? '', situation: said.get('situation') ?? '', origin };
}
