// The languages: what people read in their mail programs, sentence by sentence, and that no language leaves one out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import caughtOutgoing from '../folders/caught-outgoing.ts';
import caught from '../folders/caught.ts';
import notSpam from '../folders/not-spam.ts';
import releaseAndTrain from '../folders/release-and-train.ts';
import release from '../folders/release.ts';
import spam from '../folders/spam.ts';
import trainingRequested from '../folders/training-requested.ts';
import trash from '../folders/trash.ts';
import { languageNames, loadLanguage } from '../src/languages.ts';
import { loadFolders } from '../src/load-folders.ts';
import type { DropFolder } from '../src/quarantine/folder.ts';
import type { DropTally, Sentences } from '../src/quarantine/sentences.ts';

const none: DropTally = { total: 0, deliveries: 0, reports: 0, deleted: 0, nothing: 0 };

function tally(given: Partial<DropTally>): DropTally {
  return { ...none, total: Math.max(...Object.values(given)), ...given };
}

/** What each drop answers to what became of the messages. */
const drops: [DropFolder, Partial<DropTally>, en: string, de: string][] = [
  [
    release,
    { deliveries: 1 },
    '1 message will be delivered to its recipients.',
    '1 Nachricht wird ihren Empfängern zugestellt.',
  ],
  [
    release,
    { deliveries: 3 },
    '3 messages will be delivered to their recipients.',
    '3 Nachrichten werden ihren Empfängern zugestellt.',
  ],
  [
    release,
    { deliveries: 2, nothing: 1 },
    '2 messages will be delivered to their recipients. 1 message had been released before, so nothing more is done.',
    '2 Nachrichten werden ihren Empfängern zugestellt. 1 Nachricht war schon freigegeben; mehr geschieht nicht.',
  ],
  [
    release,
    { nothing: 2 },
    '2 messages had been released before, so nothing more is done.',
    '2 Nachrichten waren schon freigegeben; mehr geschieht nicht.',
  ],
  [
    releaseAndTrain,
    { deliveries: 1, reports: 1 },
    '1 message will be delivered to its recipients and reported as not spam.',
    '1 Nachricht wird ihren Empfängern zugestellt und als „kein Spam“ gemeldet.',
  ],
  [
    releaseAndTrain,
    { deliveries: 1, reports: 2 },
    '1 message will be delivered to its recipients. 2 messages will be reported as not spam.',
    '1 Nachricht wird ihren Empfängern zugestellt. 2 Nachrichten werden als „kein Spam“ gemeldet.',
  ],
  // One that had been reported before, another one that had been released before.
  [
    releaseAndTrain,
    { total: 2, deliveries: 1, reports: 1 },
    '1 message will be delivered to its recipients. 1 message will be reported as not spam.',
    '1 Nachricht wird ihren Empfängern zugestellt. 1 Nachricht wird als „kein Spam“ gemeldet.',
  ],
  [
    notSpam,
    { reports: 2 },
    '2 messages will be reported as not spam.',
    '2 Nachrichten werden als „kein Spam“ gemeldet.',
  ],
  [
    notSpam,
    { nothing: 1 },
    '1 message was known to be no spam already, so nothing is reported.',
    '1 Nachricht war bereits als „kein Spam“ bekannt; gemeldet wird nichts.',
  ],
  [spam, { reports: 1 }, '1 message will be reported as spam.', '1 Nachricht wird als Spam gemeldet.'],
  [
    spam,
    { nothing: 4 },
    '4 messages were known to be spam already, so nothing is reported.',
    '4 Nachrichten waren bereits als Spam bekannt; gemeldet wird nichts.',
  ],
  [trash, { deleted: 2 }, '2 messages were deleted.', '2 Nachrichten wurden gelöscht.'],
  [
    trash,
    { nothing: 2 },
    'Nothing was deleted: Trash deletes what is moved there, not what is copied.',
    'Gelöscht wurde nichts: Trash löscht, was dorthin verschoben wird, nicht was dorthin kopiert wird.',
  ],
  [
    release,
    { total: 0 },
    'These messages are no longer here, so nothing was done.',
    'Diese Nachrichten sind nicht mehr hier; es wurde nichts getan.',
  ],
];

function refusalsOf({ refusals }: Sentences): Record<string, string> {
  const why = new Map([['So it is.', 1]]);
  const reasons = new Map([
    ['Because of this.', 1],
    ['Because of that.', 2],
  ]);
  return {
    wrongSource: refusals.wrongSource(spam, caught),
    alreadyDelivered: refusals.wrongSource(release, trainingRequested),
    notice: refusals.notice(),
    view: refusals.view(caught, ['Release', 'Spam']),
    noWayBack: refusals.noWayBack(release),
    category: refusals.category('virus', ['domain', 'global']),
    categoryOfNobody: refusals.category('virus', []),
    outgoing: refusals.outgoing(['user', 'domain', 'global']),
    noSuchFolder: refusals.noSuchFolder(),
    trashOff: refusals.switchedOff(trash),
    outgoingOff: refusals.switchedOff(caughtOutgoing),
    fixedFolders: refusals.fixedFolders(),
    exists: refusals.exists(),
    notHeld: refusals.notHeld(release),
    noLongerHeld: refusals.noLongerHeld(),
    severalMeant: refusals.severalMeant(release),
    appendNotAccepted: refusals.appendNotAccepted(trash),
    emptyAppend: refusals.emptyAppend(),
    tooBig: refusals.tooBig(50_000_000),
    dropNotReadable: refusals.dropNotReadable(release),
    tooManyFlags: refusals.tooManyFlags(100),
    tooManyCopied: refusals.tooManyCopied(100_000),
    readOnly: refusals.readOnly(),
    oneRefused: refusals.someRefused('Something was done.', 1, why),
    someRefused: refusals.someRefused('Something was done.', 3, reasons),
    onlyOne: refusals.noneDone(1, 1, why),
    none: refusals.noneDone(3, 3, reasons),
    notAll: refusals.noneDone(3, 1, why),
  };
}

function sessionsOf({ sessions }: Sentences): string[] {
  const { endings, tooManyWrongPasswords, ...rest } = sessions;
  return [...Object.values(rest), ...Object.values(endings), ...[1, 59, 60, 61].map(tooManyWrongPasswords)];
}

it('languages are the files in src/languages, English and German among them', () => {
  assert.ok(languageNames.includes('en') && languageNames.includes('de'), languageNames.join());
});

for (const name of languageNames) {
  describe(`the language ${name}`, async () => {
    const language = await loadLanguage(name);

    it('says which it is', () => assert.equal(language.tag, name));

    it('tells of every folder, by its name', async () => {
      assert.deepEqual(
        Object.keys(language.folders).sort(),
        (await loadFolders()).map(({ mailbox }) => mailbox).sort(),
      );
    });

    it('speaks in whole sentences of one line each', () => {
      const said = [
        ...Object.values(refusalsOf(language)),
        ...sessionsOf(language),
        ...drops.map(([drop, became]) => language.dropped(drop, tally(became))),
        ...Object.values(language.folders),
        language.profile('alice@example.com'),
        ...language.helpNotice.closing(['Release', 'Spam']),
      ];
      for (const sentence of said) {
        assert.match(sentence, /^[\p{Lu}\d].*[^.]\.$/u);
        assert.doesNotMatch(sentence, /undefined|null|NaN| {2}|\.\.|[\r\n]|\S\s[.,;:!?]/, sentence);
      }
    });

    it('names the folders that a refusal is about as they are called, and what is accepted', () => {
      const said = refusalsOf(language);
      const named: [string | undefined, string[]][] = [
        [said['wrongSource'], ['Spam', 'Caught', 'Caught (Outgoing)', 'Training Requested']],
        [said['alreadyDelivered'], ['Training Requested', 'Release', 'Caught']],
        [said['view'], ['Caught', 'Release', 'Spam']],
        [said['noWayBack'], ['Release']],
        [said['category'], ['virus']],
        [said['trashOff'], ['Trash']],
        [said['notHeld'], ['Release', 'Caught']],
        [said['severalMeant'], ['Release', 'Caught']],
        [said['appendNotAccepted'], ['Trash', 'Caught']],
        [said['dropNotReadable'], ['Release']],
        [said['tooBig'], ['50 MB']],
        [said['tooManyFlags'], ['100']],
        [said['tooManyCopied'], ['100000']],
        [said['someRefused'], ['Something was done.', '3', 'Because of this.', '2', 'Because of that.']],
        [said['onlyOne'], ['So it is.']],
        [said['notAll'], ['1', '3', 'So it is.']],
      ];
      for (const [sentence = '', words] of named)
        for (const word of words) assert.ok(sentence.includes(word), `${word}: ${sentence}`);
    });

    it('knows one from many: no sentence about what a drop did is the same for both', () => {
      for (const [drop, became] of drops.filter(([, became]) => Object.values(became).every((n) => n === 1))) {
        const many = Object.fromEntries(Object.entries(became).map(([key, n]) => [key, n + 1]));
        assert.notEqual(language.dropped(drop, tally(became)), language.dropped(drop, tally(many)));
      }
    });
  });
}

it('people are told how long to wait, in words of their own', async () => {
  const waits: [seconds: number, en: string, de: string][] = [
    [1, '1 second', '1 Sekunde'],
    [30, '30 seconds', '30 Sekunden'],
    [60, 'a minute', 'eine Minute'],
    [61, '2 minutes', '2 Minuten'],
  ];
  for (const [seconds, en, de] of waits) {
    const said = async (name: string): Promise<string> =>
      (await loadLanguage(name)).sessions.tooManyWrongPasswords(seconds);
    assert.ok((await said('en')).includes(`wait ${en} and`));
    assert.ok((await said('de')).includes(`Sie ${de} und`));
  }
});

describe('what a drop did', () => {
  for (const [drop, became, ...expected] of drops) {
    it(expected[0], async () => {
      const said = await Promise.all(
        ['en', 'de'].map(async (name) => (await loadLanguage(name)).dropped(drop, tally(became))),
      );
      assert.deepEqual(said, expected);
    });
  }
});
