// Every transcript of test/imap/transcripts/ against a server of its own. What a transcript is: README.md there.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseTranscript } from '../helpers/transcripts/parse-transcript.ts';
import { replayTranscript } from '../helpers/transcripts/replay.ts';
import type { Transcript } from '../helpers/transcripts/transcript.ts';

const directory = join(import.meta.dirname, 'transcripts');

// A server that starts waits for its threads most of the time.
describe('mail programs, as transcripts', { concurrency: 4, timeout: 120_000 }, () => {
  test('README: its example', () => {
    const [, example = ''] =
      /\n```\n(client: .*?)```\n/s.exec(readFileSync(join(directory, 'README.md'), 'utf8')) ?? [];
    return replayTranscript(parseTranscript('test/imap/transcripts/README.md', example));
  });
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.txt'))) {
    const transcript = read(name);
    if (transcript instanceof Error) test(name, () => Promise.reject(transcript));
    else test(`${transcript.client}: ${transcript.situation}`, () => replayTranscript(transcript));
  }
});

/** One that is written wrongly is one test that fails. */
function read(name: string): Transcript | Error {
  try {
    return parseTranscript(`test/imap/transcripts/${name}`, readFileSync(join(directory, name), 'utf8'));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
