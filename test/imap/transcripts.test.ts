// Every transcript of test/imap/transcripts/ against a server of its own. What a transcript is: README.md there.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseTranscript } from '../helpers/transcripts/parse-transcript.ts';
import { replayTranscript } from '../helpers/transcripts/replay.ts';
import type { Transcript } from '../helpers/transcripts/transcript.ts';

const directory = join(import.meta.dirname, 'transcripts');

// Half of the time of each would go into loading the same sources into the threads of a store once more.
const compileCache = mkdtempSync(join(tmpdir(), 'lazaretto-test-'));
process.env['NODE_COMPILE_CACHE'] ??= compileCache;

// A server that starts waits for its threads most of the time.
describe('mail programs, as transcripts', { concurrency: 4, timeout: 120_000 }, () => {
  after(() => rmSync(compileCache, { recursive: true, force: true }));
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
