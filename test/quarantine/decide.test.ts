// The folder table of DESIGN section 3 as one readable table: a row per folder, source and cause. The definitions are the real ones.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import caughtOutgoing from '../../folders/caught-outgoing.ts';
import caught from '../../folders/caught.ts';
import inbox from '../../folders/inbox.ts';
import notSpam from '../../folders/not-spam.ts';
import releaseAndTrain from '../../folders/release-and-train.ts';
import release from '../../folders/release.ts';
import spam from '../../folders/spam.ts';
import trainingRequested from '../../folders/training-requested.ts';
import trash from '../../folders/trash.ts';
import english from '../../src/languages/en.ts';
import { decide } from '../../src/quarantine/decide.ts';
import { Refusal } from '../../src/quarantine/errors.ts';
import type { DropFolder, ViewFolder } from '../../src/quarantine/folder.ts';
import type { Message } from '../../src/quarantine/message.ts';
import { orderDelivery, orderReport } from '../../src/quarantine/orders.ts';
import type { Role } from '../../src/quarantine/scope.ts';
import { bareMessage } from '../helpers/bare-message.ts';

const { refusals } = english;
const policy = {
  releaseRights: { spam: ['user', 'domain', 'global'], virus: ['global'] } satisfies Record<string, Role[]>,
  outgoingRights: ['global'] satisfies Role[],
  confirmCaught: false,
};

type Cause = 'APPEND' | 'COPY' | 'MOVE';

/** What happens, in a few words; a refusal as its code. */
function outcome(question: {
  drop: DropFolder;
  source: ViewFolder;
  cause: Cause;
  role?: Role;
  message?: Message;
  confirmCaught?: boolean;
}): string {
  const message = question.message ?? bareMessage({ view: question.source.shows });
  try {
    const plan = decide({
      ...question,
      role: question.role ?? 'global',
      message,
      refusals,
      policy: { ...policy, confirmCaught: question.confirmCaught ?? false },
    });
    const words = [
      plan.deliver && 'deliver',
      plan.report && `report ${plan.report}`,
      plan.remove && (plan.remove.from === 'all' ? `remove (${plan.remove.why})` : 'remove for the role'),
    ];
    return words.filter(Boolean).join(', ') || 'nothing';
  } catch (error) {
    assert.ok(error instanceof Refusal, String(error));
    return error.code;
  }
}

//                                                      COPY / APPEND            MOVE
const table: [DropFolder, ViewFolder, string, string][] = [
  [release, caught, 'deliver', 'deliver, remove (released)'],
  [release, caughtOutgoing, 'deliver', 'deliver, remove (released)'],
  [release, trainingRequested, 'CANNOT', 'CANNOT'],
  [release, inbox, 'CANNOT', 'CANNOT'],
  [releaseAndTrain, caught, 'deliver, report ham', 'deliver, report ham, remove (released)'],
  [releaseAndTrain, caughtOutgoing, 'deliver, report ham', 'deliver, report ham, remove (released)'],
  [releaseAndTrain, trainingRequested, 'CANNOT', 'CANNOT'],
  [releaseAndTrain, inbox, 'CANNOT', 'CANNOT'],
  [notSpam, caught, 'report ham', 'report ham, remove (reported)'],
  [notSpam, caughtOutgoing, 'report ham', 'report ham, remove (reported)'],
  [notSpam, trainingRequested, 'report ham', 'report ham, remove (reported)'],
  [notSpam, inbox, 'CANNOT', 'CANNOT'],
  [spam, caught, 'nothing', 'remove (reported)'],
  [spam, caughtOutgoing, 'nothing', 'remove (reported)'],
  [spam, trainingRequested, 'report spam', 'report spam, remove (reported)'],
  [spam, inbox, 'CANNOT', 'CANNOT'],
  [trash, caught, 'nothing', 'remove for the role'],
  [trash, caughtOutgoing, 'nothing', 'remove for the role'],
  [trash, trainingRequested, 'nothing', 'remove for the role'],
  [trash, inbox, 'nothing', 'remove for the role'],
];

describe('what dropping a message into a folder means', () => {
  for (const [drop, source, copied, moved] of table) {
    it(`${source.mailbox} → ${drop.mailbox}: COPY ${copied}; MOVE ${moved}`, () => {
      assert.equal(outcome({ drop, source, cause: 'COPY' }), copied);
      assert.equal(outcome({ drop, source, cause: 'MOVE' }), moved);
      assert.equal(outcome({ drop, source, cause: 'APPEND' }), copied);
    });
  }
});

describe('who may release', () => {
  const rows: [string, ViewFolder, Role, string][] = [
    ['spam', caught, 'user', 'deliver'],
    ['spam', caught, 'domain', 'deliver'],
    ['virus', caught, 'user', 'NOPERM'],
    ['virus', caught, 'domain', 'NOPERM'],
    ['virus', caught, 'global', 'deliver'],
    // A category that the settings do not name follows spam; a name that every object has is no category of the settings.
    ['phishing', caught, 'user', 'deliver'],
    ['constructor', caught, 'user', 'deliver'],
    ['spam', caughtOutgoing, 'domain', 'NOPERM'],
    ['spam', caughtOutgoing, 'global', 'deliver'],
  ];
  for (const [category, source, role, expected] of rows) {
    it(`a ${role} login releasing ${category} from ${source.mailbox}: ${expected}`, () => {
      const message = bareMessage({ view: source.shows, category });
      assert.equal(outcome({ drop: release, source, cause: 'COPY', role, message }), expected);
    });
  }

  it('a virus may be reported by everybody, only not released', () => {
    const message = bareMessage({ view: 'caught', category: 'virus' });
    assert.equal(outcome({ drop: notSpam, source: caught, cause: 'COPY', role: 'user', message }), 'report ham');
    assert.equal(outcome({ drop: releaseAndTrain, source: caught, cause: 'COPY', role: 'user', message }), 'NOPERM');
  });
});

describe('an order that was given before', () => {
  const origin = { by: 'global', cause: 'COPY' as const, now: 1000 };
  const held = bareMessage({ view: 'caught' });
  const released = orderDelivery(held, origin);
  const reportedHam = orderReport(held, 'ham', ['maildir'], origin);
  const reportedSpam = orderReport(held, 'spam', ['maildir'], origin);

  it('adds nothing when it is repeated, but MOVE still removes the message from its view', () => {
    assert.equal(outcome({ drop: release, source: caught, cause: 'COPY', message: released }), 'nothing');
    assert.equal(outcome({ drop: release, source: caught, cause: 'MOVE', message: released }), 'remove (released)');
    assert.equal(outcome({ drop: notSpam, source: caught, cause: 'COPY', message: reportedHam }), 'nothing');
  });

  it('is no obstacle to another order: orders never cancel each other', () => {
    assert.equal(outcome({ drop: releaseAndTrain, source: caught, cause: 'COPY', message: released }), 'report ham');
    assert.equal(outcome({ drop: releaseAndTrain, source: caught, cause: 'COPY', message: reportedHam }), 'deliver');
  });

  it('is superseded by the opposite verdict, also where the filter classed the mail so itself', () => {
    assert.equal(outcome({ drop: spam, source: caught, cause: 'COPY', message: reportedHam }), 'report spam');
    assert.equal(
      outcome({
        drop: notSpam,
        source: trainingRequested,
        cause: 'COPY',
        message: { ...reportedSpam, view: 'training' },
      }),
      'report ham',
    );
  });

  it('counts for its own holding: a message that came back takes a new order, without those who accepted', () => {
    const delivery = released.delivery;
    assert.ok(delivery);
    const back: Message = { ...released, holding: 2 };
    assert.equal(outcome({ drop: release, source: caught, cause: 'COPY', message: back }), 'deliver');
    const accepted: Message = {
      ...back,
      delivery: {
        ...delivery,
        state: 'cancelled',
        recipients: delivery.recipients.map((recipient) => ({ ...recipient, state: 'accepted' })),
      },
    };
    assert.equal(outcome({ drop: release, source: caught, cause: 'COPY', message: accepted }), 'nothing');
  });

  it('with confirmCaught, spam is reported from Caught too', () => {
    assert.equal(outcome({ drop: spam, source: caught, cause: 'COPY', confirmCaught: true }), 'report spam');
    assert.equal(
      outcome({ drop: spam, source: caught, cause: 'COPY', message: reportedSpam, confirmCaught: true }),
      'nothing',
    );
  });
});

describe('the sentence of a refusal', () => {
  const sentence = (drop: DropFolder, source: ViewFolder, role: Role = 'user', category = 'spam'): string => {
    try {
      const message = bareMessage({ view: source.shows, category });
      decide({ drop, source, cause: 'MOVE', role, message, policy, refusals });
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
    return 'accepted';
  };

  it('names what is accepted', () => {
    assert.equal(
      sentence(release, trainingRequested),
      'Messages in Training Requested were already delivered. Release accepts messages from Caught and Caught (Outgoing).',
    );
    assert.match(sentence(notSpam, inbox), /notice of the quarantine/);
  });

  it('says who may do it instead', () => {
    assert.equal(
      sentence(release, caught, 'user', 'virus'),
      'Messages that were quarantined as virus may not be released with this login. Ask the administrator of the quarantine.',
    );
  });
});
