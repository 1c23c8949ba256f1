// Alice looks through Caught and drags: to every drop folder, one message and fifty, and what the server refuses. Called by story.ts.
import assert from 'node:assert/strict';
import { readDialogue } from './dialogue.ts';
import { addAccount, alice, arrive, caught, drops, infected, offers } from './stage.ts';
import type { Stage } from './stage.ts';
import { eventually } from './witness.ts';

const virusHeader = 'X-Virus: Eicar-Test\r\nReceived: from a by filter.example; Mon, 5 Jan 2026 10:00:00 +0000\r\n';

export async function openCaught(stage: Stage): Promise<void> {
  const { server, thunderbird, witness, step } = stage;
  await thunderbird.call('listen');
  for (const subject of offers) await arrive(server, subject);
  await arrive(server, infected, { header: virusHeader });

  await step('the account on the IMAPS port shows every folder by its name', async () => {
    await addAccount(stage, alice, 'TLS');
    const names = ['Inbox', 'Caught', ...drops, 'Training Requested'];
    await witness.seesFolders(alice, names);
    for (const drop of drops) assert.ok((await thunderbird.call('folder', alice, drop)).takesDrops, drop);
  });

  await step('Caught lists what was caught', async () => {
    await thunderbird.call('openFolder', ...caught);
    await witness.seesList([...offers, infected]);
  });

  await step('a message that is read has its text, and is read for its owner alone', async () => {
    await thunderbird.call('read', 'Offer 1');
    await witness.seesText('Text of Offer 1.');
    await eventually('\\Seen in the store', async () => (await witness.stored('Offer 1')).flags, {
      global: [],
      domain: [],
      user: ['\\Seen'],
    });
  });
}

/** Afterwards 'Offer 54' and those from 'Offer 55' on are left. */
export async function dragToDrops({ thunderbird, witness, step }: Stage): Promise<void> {
  await step('"Move To" Release delivers it, to the envelope', async () => {
    await thunderbird.call('moveOpen', alice, 'Release');
    await witness.delivered(['Offer 1']);
    await witness.seesList([...offers.slice(1), infected]);
    assert.equal((await witness.stored('Offer 1')).removed?.why, 'released');
  });

  await step('a drag to Not Spam trains and does not deliver', async () => {
    await thunderbird.call('drag', { from: caught, to: [alice, 'Not Spam'], subjects: ['Offer 2'] });
    await witness.learned('ham', ['Offer 2']);
    await witness.delivered(['Offer 1']);
  });

  await step('a drag to Release & Train does both', async () => {
    await thunderbird.call('drag', { from: caught, to: [alice, 'Release & Train'], subjects: ['Offer 3'] });
    await witness.learned('ham', ['Offer 2', 'Offer 3']);
    await witness.delivered(['Offer 1', 'Offer 3']);
  });

  await step('50 messages dragged to Spam at once leave Caught, with one command', async () => {
    const subjects = offers.slice(3, 53);
    await thunderbird.call('drag', { from: caught, to: [alice, 'Spam'], subjects });
    for (const subject of subjects)
      await eventually(subject, async () => (await witness.stored(subject)).removed?.why, 'reported');
    await witness.seesList([...offers.slice(53), infected]);
    await witness.learned('spam', []);
    const moves = readDialogue(await thunderbird.log()).exchanges.filter(({ command }) =>
      /^uid move .* "Spam"$/.test(command),
    );
    assert.equal(moves.length, 1);
  });

  await step('a message copied to Release is delivered, stays, and is marked', async () => {
    await thunderbird.call('drag', { from: caught, to: [alice, 'Release'], subjects: ['Offer 54'], copy: true });
    await witness.delivered(['Offer 1', 'Offer 3', 'Offer 54']);
    await witness.seesList([...offers.slice(53), infected]);
    await witness.seesKeyword('Offer 54', '$released');
  });
}

/** Afterwards 'Offer 54' and those from 'Offer 58' on are left. */
export async function dragInVain({ thunderbird, witness, step }: Stage): Promise<void> {
  await step('a virus dragged to Release comes back, and an alert says why', async () => {
    await thunderbird.call('drag', { from: caught, to: [alice, 'Release'], subjects: [infected] });
    await witness.isAlerted(
      /^The current operation on 'Caught' did not succeed\. .*\[NOPERM\] Messages that were quarantined as virus/,
    );
    await witness.seesList([...offers.slice(53), infected]);
  });

  await step('of three dragged together with it, two go and the virus comes back', async () => {
    await thunderbird.call('drag', {
      from: caught,
      to: [alice, 'Release'],
      subjects: ['Offer 55', 'Offer 56', infected],
    });
    await witness.isAlerted(
      /\[NOPERM\] 2 messages will be delivered to their recipients\. 1 message stays where it is\. /,
    );
    await witness.delivered(['Offer 1', 'Offer 3', 'Offer 54', 'Offer 55', 'Offer 56']);
    await witness.seesList(['Offer 54', ...offers.slice(56), infected]);
  });

  await step('Undo is refused with a sentence', async () => {
    await thunderbird.call('drag', { from: caught, to: [alice, 'Release'], subjects: ['Offer 57'] });
    await eventually('release', async () => (await witness.stored('Offer 57')).delivery?.state, 'done');
    await thunderbird.call('undo');
    await witness.isAlerted(/\[CANNOT\] What was dragged to Release was done at once and cannot be taken back\./);
    await witness.seesList(['Offer 54', ...offers.slice(57), infected]);
  });
}
