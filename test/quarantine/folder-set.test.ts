// The folder definitions together: what the real ones add up to, and which contradictions are told at start.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadFolders } from '../../src/load-folders.ts';
import { createFolderSet } from '../../src/quarantine/folder-set.ts';
import { defineFolder } from '../../src/quarantine/folder.ts';
import type { DropFolder, Folder, ViewFolder } from '../../src/quarantine/folder.ts';

const allOn = { outgoing: true, training: true, trash: true };

const caught: ViewFolder = { mailbox: 'Caught', purpose: '', kind: 'view', shows: 'caught', shownTo: ['global'] };
const training: ViewFolder = { ...caught, mailbox: 'Training', shows: 'training', alreadyDelivered: true };
const release: DropFolder = {
  mailbox: 'Release',
  purpose: '',
  kind: 'drop',
  accepts: { from: ['Caught'], append: 'held' },
  then: [{ deliver: 'envelope recipients' }],
};

function problemsOf(...definitions: Folder[]): string[] {
  try {
    createFolderSet(definitions, allOn);
    return [];
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message.split('\n').slice(1);
  }
}

describe('the folders', () => {
  it('are found by their names and aliases, INBOX in any mixture of cases, others exactly', async () => {
    const folders = createFolderSet(await loadFolders(), allOn);
    assert.equal(folders.find('inBox', 'user')?.mailbox, 'INBOX');
    assert.equal(folders.find('Release and Train', 'user')?.mailbox, 'Release & Train');
    assert.equal(folders.find('Release and Train/Not Spam', 'user')?.mailbox, 'Release & Train');
    for (const name of ['caught', 'Caught ', 'Release and train', 'Junk', ''])
      assert.equal(folders.find(name, 'global'), undefined, name);
  });

  it('are hidden from roles that they are not for, and from everybody when they are switched off', async () => {
    const folders = createFolderSet(await loadFolders(), { ...allOn, training: false, trash: false });
    assert.equal(folders.find('Caught (Outgoing)', 'user'), undefined);
    assert.ok(folders.find('Caught (Outgoing)', 'domain'));
    for (const role of ['global', 'domain', 'user'] as const)
      for (const off of ['Training Requested', 'Trash']) {
        assert.equal(folders.find(off, role), undefined);
        assert.ok(!folders.listFor(role).some(({ mailbox }) => mailbox === off));
      }
    assert.equal(folders.showing('training')?.mailbox, 'Training Requested', 'what is in there keeps its rules');
    assert.equal(folders.showing('reports'), undefined);
  });

  it('take from those views alone that the login lists, so that nobody is told of a folder that is not there', async () => {
    const folders = createFolderSet(await loadFolders(), { ...allOn, training: false });
    const from = (role: 'domain' | 'user') => {
      const spam = folders.find('Spam', role);
      return spam?.kind === 'drop' ? spam.accepts.from : null;
    };
    assert.deepEqual(from('user'), ['Caught']);
    assert.deepEqual(from('domain'), ['Caught', 'Caught (Outgoing)']);
  });

  it('that are switched off are known as such to those who would have them', async () => {
    const folders = createFolderSet(await loadFolders(), { outgoing: false, training: true, trash: false });
    assert.equal(folders.switchedOff('Trash', 'user')?.mailbox, 'Trash');
    assert.equal(folders.switchedOff('Caught (Outgoing)', 'domain')?.mailbox, 'Caught (Outgoing)');
    for (const [name, role] of [
      ['Caught (Outgoing)', 'user'],
      ['Training Requested', 'user'],
      ['Drafts', 'global'],
    ] as const)
      assert.equal(folders.switchedOff(name, role), undefined, name);
  });

  it('have no \\Junk: mail programs would file reports by themselves', async () => {
    for (const { specialUse } of await loadFolders()) assert.ok(specialUse === undefined || specialUse === '\\Trash');
  });
});

describe('contradicting definitions', () => {
  it('are none among those that belong together', () => {
    assert.deepEqual(problemsOf(caught, training, release), []);
  });

  const rows: [title: string, definitions: Folder[], problem: RegExp][] = [
    ['two folders of one name', [caught, { ...training, mailbox: 'Caught' }], /name "Caught" is taken by Caught/],
    ['an alias that is a folder', [caught, { ...release, aliases: ['Caught'] }], /name "Caught" is taken by Caught/],
    [
      'two spellings of INBOX',
      [
        { ...caught, mailbox: 'INBOX' },
        { ...training, mailbox: 'Inbox' },
      ],
      /name "Inbox" is taken by INBOX/,
    ],
    ['a source that is none', [release], /accepts from "Caught", which is no view/],
    [
      'a source that is a drop',
      [caught, release, { ...release, mailbox: 'Next', accepts: { from: ['Release'], append: 'none' } }],
      /accepts from "Release", which is no view/,
    ],
    ['a drop that does nothing', [caught, { ...release, then: [] }], /"then" is empty/],
    [
      'delivering what was delivered',
      [training, { ...release, accepts: { from: ['Training'], append: 'none' } }],
      /would deliver again what Training holds/,
    ],
    [
      'delivering what people append',
      [
        caught,
        { ...release, accepts: { from: ['Caught'], append: 'any' }, then: [...release.then, { report: 'ham' }] },
      ],
      /would let people send mail through us/,
    ],
    [
      'taking mail from elsewhere for nothing',
      [caught, { ...release, accepts: { from: ['Caught'], append: 'any' }, then: [{ remove: 'from view' }] }],
      /appended would be lost/,
    ],
  ];
  for (const [title, definitions, problem] of rows) {
    it(`are told at start: ${title}`, () => {
      const problems = problemsOf(...definitions.map((definition) => defineFolder(definition)));
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] ?? '', problem);
    });
  }

  it('are told all at once', () => {
    assert.equal(problemsOf({ ...release, then: [] }, { ...caught, mailbox: 'Release' }).length, 3);
  });
});
