// Alice looks through Caught and drags: to every drop folder, one message and fifty, and what the server refuses. Called by story.ts.
import assert from 'node:assert/strict';
import { readDialogue } from './dialogue.ts';
import { account, addAccount, alice, arrive, caught, drops, infected, offers, worthless } from './stage.ts';
import type { Thunderbird } from './program.ts';
import type { Stage } from './stage.ts';
import { eventually } from './witness.ts';

/** By the first drags: the second was taught only. */
const delivered = offers.slice(0, 53).filter((subject) => subject !== 'Offer 2');
const virusHeader = 'X-Virus: Eicar-Test\r\nReceived: from a by filter.example; Mon, 5 Jan 2026 10:00:00 +0000\r\n';

export async function openCaught(stage: Stage): Promise<void> {
  const { server, thunderbird, witness, step } = stage;
  await thunderbird.call('listen');
  for (const subject of [...offers, worthless]) await arrive(server, subject);
  await arrive(server, infected, { header: virusHeader });

  await step('an account is set up with name, address and password, and shows every folder by its name', async () => {
    await addAccount(stage);
    const names = ['Inbox', 'Caught', ...drops, 'Training Requested'];
    await witness.seesFolders(account, names);
    for (const drop of drops) assert.ok((await thunderbird.call('folder', account, drop)).takesDrops, drop);
  });

  await step('Inbox opens, and shows what the server has there', async () => {
    const { untagged } = await (await server.imap(alice)).command('STATUS INBOX (MESSAGES)');
    const notices = Number(/MESSAGES (\d+)/.exec(untagged[0] ?? '')?.[1]);
    await eventually('SELECT', async () => /^select "INBOX" → OK/m.test(await said(thunderbird)), true);
    await eventually('Inbox', async () => (await thunderbird.call('list')).length, notices);
  });

  await step('Caught lists what was caught', async () => {
    await thunderbird.call('openFolder', ...caught);
    await witness.seesList([...offers, worthless, infected]);
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
    await thunderbird.call('moveOpen', account, 'Release');
    await witness.delivered(['Offer 1']);
    await witness.seesList([...offers.slice(1), worthless, infected]);
    await witness.isGone('Offer 1', 'released');
  });

  await step('a drag to Not Spam trains and does not deliver', async () => {
    await thunderbird.call('drag', { from: caught, to: [account, 'Not Spam'], subjects: ['Offer 2'] });
    await witness.learned('ham', ['Offer 2']);
    await witness.delivered(['Offer 1']);
    await witness.isGone('Offer 2', 'reported');
  });

  await step('a drag to Release & Train does both', async () => {
    await thunderbird.call('drag', { from: caught, to: [account, 'Release & Train'], subjects: ['Offer 3'] });
    await witness.learned('ham', ['Offer 2', 'Offer 3']);
    await witness.delivered(['Offer 1', 'Offer 3']);
    await witness.isGone('Offer 3', 'released');
  });

  await step('a drag to Spam removes it; there is nothing to learn, it was classed as spam', async () => {
    await thunderbird.call('drag', { from: caught, to: [account, 'Spam'], subjects: [worthless] });
    await witness.seesList([...offers.slice(3), infected]);
    await witness.isGone(worthless, 'reported');
    await witness.learned('spam', []);
  });

  await step('50 messages dragged to Release at once are delivered, each once, by one command', async () => {
    const subjects = offers.slice(3, 53);
    await thunderbird.call('drag', { from: caught, to: [account, 'Release'], subjects });
    await witness.delivered(delivered);
    await witness.seesList([...offers.slice(53), infected]);
    for (const subject of subjects) await witness.isGone(subject, 'released');
    const moves = (await said(thunderbird)).match(/^uid move .*:.* "Release" → .*$/gm) ?? [];
    assert.equal(moves.length, 1, moves.join('\n'));
    assert.match(moves[0] ?? '', /→ OK 50 messages will be delivered/);
  });

  await step('opened, the drop folders are empty', async () => {
    for (const drop of drops) {
      await thunderbird.call('openFolder', account, drop);
      await witness.seesList([]);
      await eventually(drop, async () => (await thunderbird.call('folder', account, drop)).messages, 0);
    }
    await thunderbird.call('openFolder', ...caught);
    await witness.seesList([...offers.slice(53), infected]);
  });

  await step('a message copied to Release is delivered, stays, and is marked', async () => {
    await thunderbird.call('drag', { from: caught, to: [account, 'Release'], subjects: ['Offer 54'], copy: true });
    await witness.delivered([...delivered, 'Offer 54']);
    await witness.seesList([...offers.slice(53), infected]);
    await witness.seesKeyword(caught, 'Offer 54', '$released');
  });
}

/** Afterwards 'Offer 54' and those from 'Offer 58' on are left. */
export async function dragInVain({ thunderbird, witness, step }: Stage): Promise<void> {
  await step('a virus dragged to Release comes back, and an alert says why', async () => {
    await thunderbird.call('drag', { from: caught, to: [account, 'Release'], subjects: [infected] });
    await witness.isAlerted(
      /^The current operation on 'Caught' did not succeed\. .*\[NOPERM\] Messages that were quarantined as virus/,
    );
    await witness.seesList([...offers.slice(53), infected]);
  });

  await step('of three dragged together with it, two go and the virus comes back', async () => {
    await thunderbird.call('drag', {
      from: caught,
      to: [account, 'Release'],
      subjects: ['Offer 55', 'Offer 56', infected],
    });
    await witness.isAlerted(
      /\[NOPERM\] 2 messages will be delivered to their recipients\. 1 message stays where it is\. /,
    );
    await witness.delivered([...delivered, 'Offer 54', 'Offer 55', 'Offer 56']);
    await witness.seesList(['Offer 54', ...offers.slice(56), infected]);
  });

  await step('Undo is refused with a sentence', async () => {
    await thunderbird.call('drag', { from: caught, to: [account, 'Release'], subjects: ['Offer 57'] });
    await eventually('release', async () => (await witness.stored('Offer 57')).delivery?.state, 'done');
    await thunderbird.call('undo');
    await witness.isAlerted(/\[CANNOT\] What was dragged to Release was done at once and cannot be taken back\./);
    await witness.seesList(['Offer 54', ...offers.slice(57), infected]);
  });
}

/** Over IMAP so far, one a line: `command → answer`. */
async function said(thunderbird: Thunderbird): Promise<string> {
  const { exchanges } = readDialogue(await thunderbird.log());
  return exchanges.map(({ command, answer }) => `${command} → ${answer}`).join('\n');
}
