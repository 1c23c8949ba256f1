// The main story as a person lives it in Thunderbird, told once with new accounts and once after the next start of the program.
// Called by ../thunderbird.ts.
import assert from 'node:assert/strict';
import type { Refusals } from './dialogue.ts';
import { dragInVain, dragToDrops, openCaught } from './drags.ts';
import { dragOwnMail, seeChanges, teachUnsure, useDomainLogin } from './elsewhere.ts';
import { account, caught, drops, infected, offers } from './stage.ts';
import type { Stage } from './stage.ts';
import { eventually } from './witness.ts';

export interface Part {
  act(stage: Stage): Promise<void>;
  refusals: Refusals;
}

const allReleased = [...offers.filter((subject) => !['Offer 2', 'Offer 60'].includes(subject)), 'Large'];
const mainWindow = 'chrome://messenger/content/messenger.xhtml';
// Thunderbird asks for one once for each of the two accounts whenever it starts, and says nothing when it gets none.
const trash = [/^create "Trash" → NO \[CANNOT\]/, /^create "Trash" → NO \[CANNOT\]/];

export const firstStart: Part = {
  act: useIt,
  refusals: {
    must: [
      /^uid move \d+ "Release" → NO \[NOPERM\] Messages that were quarantined as virus/,
      /^uid move \d+:\d+,\d+ "Release" → NO \[NOPERM\] 2 messages will be delivered to their recipients\. 1 message stays where it is/,
      /^uid move \d+ "Caught" → NO \[CANNOT\] What was dragged to Release/,
      /^append "Release" .* → NO \[CANNOT\] This message is not in the quarantine/,
      /^uid move \d+ "Release" → NO \[NOPERM\] Outgoing mail may not be released/,
    ],
    may: trash,
  },
};

export const nextStart: Part = { act: useItAgain, refusals: { must: [], may: trash } };

async function useIt(stage: Stage): Promise<void> {
  const acts = [openCaught, dragToDrops, dragInVain, seeChanges, teachUnsure, dragOwnMail, useDomainLogin];
  for (const act of acts) await act(stage);
  const { thunderbird, witness, step } = stage;
  await step('nothing else was said to the person, sent or learned', async () => {
    await thunderbird.call('drag', { from: caught, to: [account, 'Release & Train'], subjects: ['Offer 59'] });
    await witness.learned('ham', ['Offer 2', 'Offer 3', 'Offer 59', 'Price list']);
    await witness.delivered(allReleased);
    assert.deepEqual(await thunderbird.call('alerts'), []);
    assert.deepEqual(await thunderbird.call('windows'), [mainWindow]);
  });
}

async function useItAgain({ thunderbird, witness, step }: Stage): Promise<void> {
  // Since the last drag Thunderbird has shown that message in Release & Train, which is empty.
  await step('started again, it finds Caught as it was and all drop folders empty', async () => {
    await thunderbird.call('listen');
    await thunderbird.call('openFolder', ...caught);
    await witness.seesList(['Offer 54', 'Offer 58', 'Offer 60', infected, 'Small', 'Undeliverable']);
    for (const drop of drops) {
      await eventually(drop, async () => (await thunderbird.call('folder', account, drop)).messages, 0);
    }
  });

  await step('and the next drag works like the first', async () => {
    await thunderbird.call('drag', { from: caught, to: [account, 'Release'], subjects: ['Offer 60'] });
    await witness.delivered([...allReleased, 'Offer 60']);
    await witness.seesList(['Offer 54', 'Offer 58', infected, 'Small', 'Undeliverable']);
    assert.deepEqual(await thunderbird.call('alerts'), []);
    assert.deepEqual(await thunderbird.call('windows'), [mainWindow]);
  });
}
