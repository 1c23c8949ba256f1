// Importing real files into a real quarantine: what is stored, what is reported, and that a second time adds nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { importFiles } from '../../../src/intake/files/import-files.ts';
import type { ImportOptions, ImportProgress, ImportReport } from '../../../src/intake/files/import-files.ts';
import { TemporaryError } from '../../../src/quarantine/errors.ts';
import type { Message } from '../../../src/quarantine/message.ts';
import { traceHeaderName, traceOf } from '../../../src/quarantine/trace.ts';
import { openTestQuarantine } from '../../helpers/quarantine.ts';
import type { TestQuarantine, TestQuarantineOptions } from '../../helpers/quarantine.ts';

interface Workshop extends TestQuarantine {
  /** Writes a file below a directory of its own; returns its path. */
  file(name: string, content: string | Buffer, modifiedAt?: Date): Promise<string>;
  path(...names: string[]): string;
  import(options: Partial<ImportOptions> & { paths: string[] }): Promise<ImportReport>;
  /** Oldest first. */
  held(): Promise<Message[]>;
  rawOf(message: Message | undefined): Promise<string>;
  /** `FILE position: problem`, with paths relative to the directory. */
  problems(report: ImportReport): string[];
  progress: ImportProgress[];
}

async function workshop(t: TestContext, options: TestQuarantineOptions = {}): Promise<Workshop> {
  const opened = await openTestQuarantine(options);
  t.after(opened.close);
  const root = join(opened.directory, 'files');
  await mkdir(root);
  const progress: ImportProgress[] = [];
  return {
    ...opened,
    progress,
    path: (...names) => join(root, ...names),
    async file(name, content, modifiedAt) {
      const path = join(root, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
      if (modifiedAt) await utimes(path, modifiedAt, modifiedAt);
      return path;
    },
    import: (given) => importFiles({ view: 'caught', ...given }, opened.quarantine, (told) => progress.push(told)),
    held: async () => (await opened.storage.find({ role: 'global' }, { limit: 5000 })).reverse(),
    async rawOf(message) {
      assert.ok(message);
      return (await opened.storage.content({ role: 'global' }, message.id))?.toString('latin1') ?? '';
    },
    problems: ({ failed }) =>
      failed.map(({ source, position, problem }) => `${relative(root, source)} ${position}: ${problem}`),
  };
}

const to = (address: string): string => `Delivered-To: ${address}\n`;
const mail = (subject: string): string => `Subject: ${subject}\n\nDear friend\n`;
const subjectOf = (raw: string): string => /^Subject: (.*)\r$/m.exec(raw)?.[1] ?? '';

describe('a single message', () => {
  test('goes in with its envelope from the headers, LF as CRLF, dated like its file', async (t) => {
    const w = await workshop(t);
    const text = `Return-Path: <Sender@remote.example>\n${to('Alice+x@example.net')}${mail('one')}bare\rCR\r\nlast`;
    const path = await w.file('one.eml', text, new Date('2025-12-24T18:00:00Z'));
    const report = await w.import({ paths: [path] });
    assert.deepEqual(report, { stored: 1, known: 0, failed: [], stopped: null });
    const [message] = await w.held();
    assert.deepEqual(message?.envelope, { sender: 'Sender@remote.example', recipients: ['Alice+x@example.net'] });
    assert.equal(message?.owner.address, 'alice@example.com');
    assert.equal(message?.internalDate, Date.parse('2025-12-24T18:00:00Z'));
    assert.equal(message?.receivedAt, w.clock.now());
    assert.equal(await w.rawOf(message), text.replace(/(?<!\r)\n/g, '\r\n'));
  });

  test('for several recipients is one message each, and the options outrank the headers', async (t) => {
    const w = await workshop(t);
    const path = await w.file(
      'one.eml',
      `X-Envelope-To: <a@example.com>, <b@example.com>, <a@EXAMPLE.com>\n${mail('x')}`,
    );
    assert.equal((await w.import({ paths: [path] })).stored, 2);
    const report = await w.import({ paths: [path], recipients: ['c@example.com'], sender: 'boss@remote.example' });
    assert.equal(report.stored, 1);
    assert.deepEqual(
      (await w.held()).map(({ envelope }) => `${envelope.sender} ${envelope.recipients.join()}`),
      [' a@example.com', ' b@example.com', 'boss@remote.example c@example.com'],
    );
  });

  test('saved with the From line of its mbox loses that line alone', async (t) => {
    const w = await workshop(t);
    const text = `From s@remote.example Sat Jul  6 09:15:01 2002\n${to('alice@example.com')}${mail('x')}\nFrom a@b.example Sat Jul  6 09:15:01 2002\n>From x\n`;
    await w.import({ paths: [await w.file('one.EML', text)] });
    const [message, ...more] = await w.held();
    assert.deepEqual(more, []);
    assert.equal(message?.envelope.sender, 's@remote.example');
    assert.equal(message?.internalDate, Date.UTC(2002, 6, 6, 9, 15, 1));
    assert.equal(await w.rawOf(message), text.slice(text.indexOf('\n') + 1).replaceAll('\n', '\r\n'));
  });

  test('without an envelope is an error that says what was expected; for unknown recipients too; the rest goes on', async (t) => {
    const w = await workshop(t);
    const paths = [
      await w.file('1.eml', mail('nobody')),
      await w.file('2.eml', to('x@elsewhere.example') + mail('stranger')),
      await w.file('3.eml', to('alice') + mail('half an address')),
      await w.file('4.eml', `X-Envelope-To: x@elsewhere.example, alice@example.com\n${mail('both')}`),
      await w.file('5.eml', `${to('"a\rb"@example.com')}${mail('a line end in an address')}`),
    ];
    const report = await w.import({ paths });
    assert.deepEqual(w.problems(report), [
      '1.eml : no recipient; expected --recipient or one of the headers X-Envelope-To, Delivered-To, X-Original-To, Envelope-To',
      '2.eml : <> to x@elsewhere.example: This quarantine keeps no mail for the domain of the recipient.',
      '3.eml : "alice" is no mail address',
      '4.eml : <> to x@elsewhere.example: This quarantine keeps no mail for the domain of the recipient.',
      '5.eml : ""a\rb"@example.com" is no mail address',
    ]);
    assert.deepEqual([report.stored, report.known, report.stopped], [1, 0, null]);
  });

  test('above the limit is an error and is not kept in memory or store', async (t) => {
    const w = await workshop(t, { policy: { maxMessageBytes: 100 } });
    const paths = [
      await w.file('1.eml', to('alice@example.com') + mail('x'.repeat(100))),
      await w.file('2.eml', to('alice@example.com') + mail('fits')),
    ];
    const report = await w.import({ paths });
    assert.deepEqual(w.problems(report), ['1.eml : larger than the limit of 100 bytes for one message']);
    assert.equal(report.stored, 1);
  });

  test('that was released from here before is refused like at every other door', async (t) => {
    const w = await workshop(t);
    const trace = `${traceHeaderName}: ${traceOf({ id: '0192', holding: 1 }, w.quarantine.policy.hostname)}\n`;
    const report = await w.import({ paths: [await w.file('1.eml', trace + to('alice@example.com') + mail('x'))] });
    assert.match(w.problems(report).join(), /^1\.eml : .*mail loop/);
  });
});

describe('outgoing mail in files', () => {
  test('belongs to its sender, as one message with all its recipients', async (t) => {
    const w = await workshop(t);
    const paths = [
      await w.file('1.eml', `X-Envelope-From: bob@example.com\nX-Envelope-To: x@a.example, y@b.example\n${mail('1')}`),
      await w.file('2.eml', `Return-Path: <eve@elsewhere.example>\n${to('x@a.example')}${mail('2')}`),
      await w.file('3.eml', `Return-Path: <>\n${to('x@a.example')}${mail('a bounce')}`),
    ];
    const report = await w.import({ paths, view: 'outgoing' });
    assert.equal(report.stored, 2);
    assert.deepEqual(w.problems(report), [
      '2.eml : eve@elsewhere.example to x@a.example: This quarantine keeps no outgoing mail for the domain of the sender.',
    ]);
    assert.deepEqual(
      (await w.held()).map(({ envelope, owner }) => [envelope.recipients, owner.address]),
      [
        [['x@a.example', 'y@b.example'], 'bob@example.com'],
        [['x@a.example'], ''],
      ],
    );
  });
});

describe('an mbox', () => {
  const fromLine = 'From s@remote.example Sat Jul  6 09:15:01 2002\n';

  test('goes in message by message, in order, and each error names its line', async (t) => {
    const w = await workshop(t);
    const box = [
      fromLine + to('alice@example.com') + mail('one') + '>From here on\n',
      fromLine + mail('nobody'),
      `From MAILER-DAEMON Sat Jul  6 10:00:00 2002\n${to('bob@example.com')}${mail('three')}`,
      `From - no date\n${to('bob@example.com')}${mail('four: a sentence, not a From line')}`,
      `${fromLine}Return-Path: <header@remote.example>\n${to('bob@example.com')}${mail('five')}`,
    ].join('\n');
    const path = await w.file('inbox', box, new Date('2020-01-01T00:00:00Z'));
    const report = await w.import({ paths: [path] });
    assert.match(w.problems(report).join('\n'), /^inbox message 2 \(line 8\): no recipient; expected [^\n]*$/);
    const messages = await w.held();
    assert.deepEqual(
      messages.map(({ envelope, internalDate }) => [envelope.sender, new Date(internalDate).toISOString()]),
      [
        ['s@remote.example', '2002-07-06T09:15:01.000Z'],
        ['', '2002-07-06T10:00:00.000Z'],
        ['header@remote.example', '2002-07-06T09:15:01.000Z'],
      ],
    );
    assert.match(await w.rawOf(messages[0]), /\r\nFrom here on\r\n$/);
    assert.match(await w.rawOf(messages[1]), /three\r\n\r\nDear friend\r\n\r\nFrom - no date/);
  });

  test('imported again adds nothing, also when the mail has left the quarantine; with allowDuplicates everything', async (t) => {
    const w = await workshop(t);
    const box = Array.from({ length: 40 }, (_, i) => fromLine + to('alice@example.com') + mail(`${i % 30}`)).join('\n');
    const path = await w.file('inbox', box);
    assert.deepEqual(await w.import({ paths: [path] }), { stored: 30, known: 10, failed: [], stopped: null });
    const [first] = await w.held();
    assert.ok(first);
    await w.storage.commit([
      {
        before: first,
        after: { ...first, visibleTo: [], removed: { at: w.clock.now(), why: 'deleted', by: 'global' } },
      },
    ]);
    const again = await w.import({ paths: [path, path] });
    assert.deepEqual([again.stored, again.known], [0, 80]);
    assert.equal((await w.import({ paths: [path], view: 'training' })).stored, 30, 'another folder is another import');
    assert.equal((await w.import({ paths: [path], allowDuplicates: true })).stored, 40);
  });

  test('of many messages is numbered in the order of the file', async (t) => {
    const w = await workshop(t);
    const box = Array.from({ length: 300 }, (_, i) => fromLine + to('alice@example.com') + mail(`${i}`)).join('\n');
    await w.import({ paths: [await w.file('inbox', box)] });
    const scope = { role: 'global' } as const;
    const listed = await w.storage.list(scope, 'caught', [{ from: 1, to: 1_000_000 }]);
    const subjects: string[] = [];
    for (const { id } of listed)
      subjects.push(subjectOf((await w.storage.content(scope, id))?.toString('latin1') ?? ''));
    assert.deepEqual(
      subjects,
      Array.from({ length: 300 }, (_, i) => `${i}`),
    );
  });
});

describe('a Maildir', () => {
  test('goes in with new and cur in the order of delivery, then its folders; tmp and the server’s own files do not', async (t) => {
    const w = await workshop(t);
    const put = (name: string, subject: string): Promise<string> =>
      w.file(`Maildir/${name}`, to('alice@example.com') + mail(subject), new Date('2025-12-01T00:00:00Z'));
    await put('cur/1700000003.M1P1.host:2,S', 'c');
    await put('new/1700000002.M1P1.host', 'b');
    await put('cur/1600000001.M1P1.host:2,', 'a');
    await put('tmp/1700000009.M1P1.host', 'half written');
    await put('cur/.hidden', 'no message');
    await put('.Archive.2024/cur/1500000000.M1P1.host:2,S', 'archived');
    await put('.Archive.2024/new/.keep', 'no message');
    await put('Sub/cur/1.x', 'in a plain folder');
    await put('Sub/tmp/2.x', 'half written');
    await w.file('Maildir/dovecot-uidlist', '3 V1 N4');
    await w.file('Maildir/courierimapkeywords/list', 'x');
    const report = await w.import({ paths: [w.path('Maildir')] });
    assert.deepEqual(w.problems(report), []);
    const messages = await w.held();
    assert.deepEqual(await Promise.all(messages.map(async (message) => subjectOf(await w.rawOf(message)))), [
      'a',
      'b',
      'c',
      'archived',
      'in a plain folder',
    ]);
    assert.equal(messages[0]?.internalDate, Date.parse('2025-12-01T00:00:00Z'));
  });

  test('may be empty, and holds mail whatever it looks like', async (t) => {
    const w = await workshop(t);
    await mkdir(w.path('empty/new'), { recursive: true });
    await mkdir(w.path('empty/cur'));
    await w.file('odd/cur/1.x', 'no header at all\n');
    await mkdir(w.path('odd/new'));
    const report = await w.import({ paths: [w.path('empty'), w.path('odd')], recipients: ['alice@example.com'] });
    assert.deepEqual(report, { stored: 1, known: 0, failed: [], stopped: null });
    assert.equal(await w.rawOf((await w.held())[0]), 'no header at all\r\n');
  });
});

describe('any other folder', () => {
  test('is read whole, each file for what it is, and nothing is passed over silently', async (t) => {
    const w = await workshop(t);
    await w.file('box/10.eml', to('alice@example.com') + mail('ten'));
    await w.file('box/9.eml', to('alice@example.com') + mail('nine'));
    await w.file('box/b/without-suffix', to('alice@example.com') + mail('b'));
    await w.file(
      'box/c/inbox',
      `From s@remote.example Sat Jul  6 09:15:01 2002\n${to('alice@example.com')}${mail('c')}`,
    );
    await w.file('box/d/Maildir/new/1.x', to('alice@example.com') + mail('d'));
    await mkdir(w.path('box/d/Maildir/cur'));
    await w.file('box/e.jpg', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]));
    await w.file('box/f.eml', '');
    await mkdir(w.path('box/g'));
    await w.file('box/.DS_Store', 'x');
    await w.file('box/h.eml', 'Just some text\n');
    const report = await w.import({ paths: [w.path('box')] });
    assert.deepEqual(await Promise.all((await w.held()).map(async (message) => subjectOf(await w.rawOf(message)))), [
      'nine',
      'ten',
      'b',
      'c',
      'd',
    ]);
    const noMail = 'no mail: it begins neither with a header field nor with the "From " line of an mbox';
    assert.deepEqual(w.problems(report).sort(), [
      `box/e.jpg : ${noMail}`,
      'box/f.eml : the file is empty',
      'box/g : the folder is empty',
      `box/h.eml : ${noMail}`,
    ]);
  });

  test('with links is read once, and links that lead round in circles or nowhere are named', async (t) => {
    const w = await workshop(t);
    await w.file('elsewhere/1.eml', to('alice@example.com') + mail('linked'));
    await w.file('box/a.eml', to('alice@example.com') + mail('a'));
    await symlink(w.path('elsewhere'), w.path('box/link'));
    await symlink(w.path('box'), w.path('box/round'));
    await symlink('nowhere', w.path('box/dangling'));
    await symlink('itself', w.path('box/itself'));
    const report = await w.import({ paths: [w.path('box')] });
    assert.equal(report.stored, 2);
    assert.deepEqual(w.problems(report), [
      'box/dangling : there is no such file or folder',
      'box/itself : a symbolic link that leads nowhere but to itself',
      'box/round : a symbolic link that leads back to a folder above it',
    ]);
  });

  test('what is no file is never opened, because it could be waited for for ever', async (t) => {
    const w = await workshop(t);
    execFileSync('mkfifo', [w.path('pipe')]);
    const report = await w.import({ paths: [w.path('pipe'), '/dev/null', w.path('absent')] });
    assert.deepEqual(
      report.failed.map(({ problem }) => problem),
      ['neither a file nor a folder', 'neither a file nor a folder', 'there is no such file or folder'],
    );
  });

  test('a file that goes away while others are read is named', async (t) => {
    const w = await workshop(t);
    const paths = [await w.file('1.eml', 'x'), await w.file('2.eml', to('alice@example.com') + mail('2'))];
    const report = await importFiles({ paths, view: 'caught' }, w.quarantine, ({ bytesRead }) => {
      if (bytesRead === 0) rmSync(w.path('1.eml'), { force: true });
    });
    assert.deepEqual(w.problems(report), ['1.eml : there is no such file or folder']);
    assert.equal(report.stored, 1);
  });
});

describe('an import', () => {
  test('that could never succeed says so before it reads anything', async (t) => {
    const w = await workshop(t, { domains: [{ name: 'example.com', recipients: ['alice'] }] });
    const paths = [w.path('absent')];
    await assert.rejects(
      w.import({ paths, recipients: ['alice@example.com', 'x@elsewhere.example'] }),
      /keeps no mail/,
    );
    await assert.rejects(w.import({ paths, recipients: ['bob@example.com'] }), /no such recipient/);
    await assert.rejects(w.import({ paths, recipients: ['alice'] }), /"alice" is no mail address/);
    await assert.rejects(w.import({ paths, sender: 'x y@z.example' }), /"x y@z\.example" is no mail address/);
    await assert.rejects(w.import({ paths, view: 'outgoing', sender: 'x@elsewhere.example' }), /no outgoing mail/);
    assert.deepEqual(w.progress, []);
  });

  test('tells how far it is, up to the end, also over files that hold nothing', async (t) => {
    const w = await workshop(t);
    const texts = [to('alice@example.com') + mail('1'), 'no mail', to('bob@example.com') + mail('2')];
    const paths = await Promise.all(texts.map((text, i) => w.file(`${i}`, text)));
    await w.import({ paths });
    const bytesTotal = texts.join('').length;
    assert.deepEqual(w.progress[0], { bytesRead: 0, bytesTotal, messages: 0, stored: 0, known: 0, failed: 0 });
    assert.deepEqual(w.progress.at(-1), {
      bytesRead: bytesTotal,
      bytesTotal,
      messages: 2,
      stored: 2,
      known: 0,
      failed: 1,
    });
    assert.ok(w.progress.every((step, i) => step.bytesRead >= (w.progress[i - 1]?.bytesRead ?? 0)));
  });

  test('can be interrupted, and goes on where it was the next time', async (t) => {
    const w = await workshop(t);
    const paths = await Promise.all(
      Array.from({ length: 60 }, (_, i) => w.file(`${i}.eml`, to('alice@example.com') + mail(`${i}`))),
    );
    const interruption = new AbortController();
    const report = await importFiles({ paths, view: 'caught', signal: interruption.signal }, w.quarantine, (told) => {
      if (told.messages === 20) interruption.abort();
    });
    assert.equal(report.stopped, 'It was interrupted.');
    assert.equal((await w.held()).length, report.stored);
    assert.ok(report.stored >= 19 && report.stored < 60, `${report.stored} stored`);
    const rest = await w.import({ paths });
    assert.deepEqual([rest.stored, rest.known], [60 - report.stored, report.stored]);
  });

  test('ends when the store takes nothing any more, and loses nothing that it said was stored', async (t) => {
    let left = 5;
    const w = await workshop(t, {
      wrapStorage: (storage) => ({
        ...storage,
        async insert(arrival, now) {
          if (left-- <= 0) throw new TemporaryError('The quarantine has no room left.');
          return storage.insert(arrival, now);
        },
      }),
    });
    const paths = await Promise.all(
      Array.from({ length: 200 }, (_, i) => w.file(`${i}.eml`, to('alice@example.com') + mail(`${i}`))),
    );
    const report = await w.import({ paths });
    assert.equal(report.stored, 5);
    assert.equal((await w.held()).length, 5);
    assert.match(report.stopped ?? '', /^The store takes no mail at the moment\./);
    assert.ok(report.failed.length >= 3 && report.failed.length < 100, `${report.failed.length} failed`);
    assert.deepEqual([...new Set(report.failed.map(({ problem }) => problem))], ['The quarantine has no room left.']);
  });

  test('goes on after one message that the store could not take, and after an error of ours', async (t) => {
    let count = 0;
    const w = await workshop(t, {
      wrapStorage: (storage) => ({
        ...storage,
        async insert(arrival, now) {
          count += 1;
          if (count === 2) throw new TypeError('a bug');
          if (count === 4) throw new TemporaryError('busy');
          return storage.insert(arrival, now);
        },
      }),
    });
    const paths = await Promise.all(
      Array.from({ length: 6 }, (_, i) => w.file(`${i}.eml`, to('alice@example.com') + mail(`${i}`))),
    );
    const report = await w.import({ paths });
    assert.deepEqual([report.stored, report.stopped], [4, null]);
    assert.deepEqual(w.problems(report).sort(), ['1.eml : an unexpected error; the log has more', '3.eml : busy']);
    assert.equal(w.logged.filter(({ level }) => level === 'error').length, 1);
  });
});
