// What comes from elsewhere: mail that arrives or goes meanwhile, a release that fails, mail from alice's own folders, another login.
// Called by story.ts.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sampleMail } from '../../../test/helpers/server.ts';
import type { Place } from './program.ts';
import {
  account,
  addAccountByHand,
  alice,
  arrive,
  caught,
  domain,
  drops,
  infected,
  offers,
  unknownRecipient,
} from './stage.ts';
import type { Stage } from './stage.ts';
import { eventually } from './witness.ts';

const left = ['Offer 54', ...offers.slice(57), infected];
const mine: Place = ['Local Folders', 'Mine'];

/** Afterwards 'Small' and 'Undeliverable' are in Caught, too. */
export async function seeChanges({ server, thunderbird, witness, step }: Stage): Promise<void> {
  await step(
    'mail that arrives while Caught is open is shown, also what arrives while it is being downloaded',
    async () => {
      await arrive(server, 'Large', {
        text: 'Seventy-four characters of text that say nothing and are said often.\r\n'.repeat(200_000),
      });
      await witness.seesList([...left, 'Large']);
      await arrive(server, 'Small');
      await witness.seesList([...left, 'Large', 'Small']);
    },
  );

  await step('a message that another login releases disappears', async () => {
    const other = await server.open('Caught', domain);
    const { untagged } = await other.command('UID SEARCH SUBJECT Large');
    const moved = await other.command(`UID MOVE ${untagged[0]?.split(' ').at(-1)} Release`);
    assert.equal(moved.status, 'OK', moved.text);
    await witness.seesList([...left, 'Small']);
  });

  await step('a release that fails brings the message back, and a notice in Inbox that says why', async () => {
    await arrive(server, 'Undeliverable', { recipients: [unknownRecipient] });
    await witness.seesList([...left, 'Small', 'Undeliverable']);
    await thunderbird.call('drag', { from: caught, to: [account, 'Release'], subjects: ['Undeliverable'] });
    await eventually('failure', async () => (await witness.stored('Undeliverable')).delivery?.state, 'failed');
    await witness.seesList([...left, 'Small', 'Undeliverable']);
    await witness.seesKeyword(caught, 'Undeliverable', '$releasefailed');
    await thunderbird.call('openFolder', account, 'Inbox');
    await witness.seesList(['Release failed: Undeliverable']);
    await thunderbird.call('read', 'Release failed: Undeliverable');
    await witness.seesText('550 5.1.1 nobody of that name');
  });
}

/** Mail that was delivered though the filter was unsure. */
export async function teachUnsure({ server, thunderbird, witness, step }: Stage): Promise<void> {
  await step('what the filter was unsure of is dragged from Training Requested to Spam, and learned', async () => {
    await arrive(server, 'Unsure', { folder: 'training' });
    await thunderbird.call('openFolder', account, 'Training Requested');
    await witness.seesList(['Unsure']);
    await thunderbird.call('drag', {
      from: [account, 'Training Requested'],
      to: [account, 'Spam'],
      subjects: ['Unsure'],
    });
    await witness.learned('spam', ['Unsure']);
    await witness.seesList([]);
  });
}

/** Afterwards 'Offer 58' is released. */
export async function dragOwnMail({ server, thunderbird, witness, directory, step }: Stage): Promise<void> {
  await step('a local message dragged into Spam is learned as it was sent, and gone from where it was', async () => {
    await thunderbird.call('makeLocalMail', 'Mine', localMail('From my own inbox'));
    await thunderbird.call('drag', {
      from: mine,
      to: [account, 'Spam'],
      subjects: ['From my own inbox'],
    });
    await witness.learned('spam', ['Unsure', 'From my own inbox']);
    await eventually('the local folder', async () => (await thunderbird.call('folder', ...mine)).messages, 0);
  });

  await step('a file dropped on Spam is learned', async () => {
    const file = join(directory, 'dropped.eml');
    await writeFile(file, sampleMail('From the desktop'));
    await thunderbird.call('dropFile', file, account, 'Spam');
    await witness.learned('spam', ['Unsure', 'From my own inbox', 'From the desktop']);
  });

  await step('a local copy of a held message dragged into Release delivers what is held', async () => {
    await thunderbird.call('drag', { from: caught, to: mine, subjects: ['Offer 58'], copy: true });
    await thunderbird.call('drag', { from: mine, to: [account, 'Release'], subjects: ['Offer 58'] });
    await eventually('release', async () => (await witness.stored('Offer 58')).delivery?.state, 'done');
    assert.equal(
      server.farEnd.received.at(-1)?.content.toString().split('\r\n').slice(1).join('\r\n'),
      sampleMail('Offer 58').toString(),
    );
  });

  await step('mail that was never held is not sent through us, and stays where it was', async () => {
    await thunderbird.call('makeLocalMail', 'Mine', localMail('Never held'));
    await thunderbird.call('drag', {
      from: mine,
      to: [account, 'Release'],
      subjects: ['Never held'],
    });
    await witness.isAlerted(/\[CANNOT\] This message is not in the quarantine, so it cannot be released\./);
    assert.equal((await thunderbird.call('folder', ...mine)).messages, 1);
  });
}

export async function useDomainLogin(stage: Stage): Promise<void> {
  const { server, thunderbird, witness, step } = stage;
  await step(
    'a new login, set up by hand for the STARTTLS port, sees its folders, and in Inbox what they are for',
    async () => {
      await addAccountByHand(stage);
      const names = ['Inbox', 'Caught', 'Caught (Outgoing)', ...drops, 'Training Requested'];
      await witness.seesFolders(domain, names);
      await witness.seesList(['How this quarantine works']);
      await thunderbird.call('read', 'How this quarantine works');
      await witness.seesText('Drag a message here to have it delivered to its recipients.');
    },
  );

  await step('it sees outgoing mail, and may train with it but not release it', async () => {
    await arrive(server, 'Price list', { folder: 'outgoing', sender: alice, recipients: ['x@remote.example'] });
    const outgoing: Place = [domain, 'Caught (Outgoing)'];
    await thunderbird.call('openFolder', ...outgoing);
    await witness.seesList(['Price list']);
    await thunderbird.call('read', 'Price list');
    await witness.seesText('Text of Price list.');
    // Not downloaded before, it was fetched with BODY[], which sets the flag by itself.
    await eventually('\\Seen', async () => (await witness.stored('Price list')).flags.domain, ['\\Seen']);
    await thunderbird.call('drag', { from: outgoing, to: [domain, 'Release'], subjects: ['Price list'] });
    await witness.isAlerted(/\[NOPERM\] Outgoing mail may not be released with this login\./);
    await witness.seesList(['Price list']);
    await thunderbird.call('drag', { from: outgoing, to: [domain, 'Not Spam'], subjects: ['Price list'] });
    await witness.learned('ham', ['Offer 2', 'Offer 3', 'Price list']);
    await witness.seesList([]);
  });
}

/** As mbox keeps it. */
function localMail(subject: string): string {
  return sampleMail(subject).toString().replaceAll('\r\n', '\n');
}
