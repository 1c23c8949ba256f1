// Judges a run: what was promised from outside (journal.ts), what the far ends got, what the store holds, and what each process logged.
// Every sentence that comes out of it is a broken promise.
import type { Message } from '../../../src/quarantine/message.ts';
import type { Instance, LogEntry } from './cluster.ts';
import type { Received } from './far-ends.ts';
import type { Journal, Order } from './journal.ts';

export interface Run {
  journal: Journal;
  instances: readonly Instance[];
  deliveries: readonly Received[];
  reports: readonly Received[];
  /** By subject. */
  stored: ReadonlyMap<string, readonly Message[]>;
}

export interface Judgement {
  counts: Record<string, string | number>;
  broken: string[];
}

export function judge(run: Run): Judgement {
  const parts = [arrivals(run), deliveries(run), reports(run), sessions(run), processes(run)];
  return {
    counts: Object.assign({}, ...parts.map(({ counts }) => counts)) as Judgement['counts'],
    broken: parts.flatMap(({ broken }) => broken),
  };
}

function arrivals({ journal: { handed }, stored }: Run): Judgement {
  const accepted = handed.filter(({ acceptedAt }) => acceptedAt !== null);
  const lost = accepted.filter(({ subject }) => !stored.has(subject));
  const twice = handed.filter(({ subject }) => (stored.get(subject)?.length ?? 0) > 1);
  const vanished = [...stored].filter(([, messages]) =>
    messages.some(({ visibleTo, delivery, report }) => !visibleTo.length && !delivery && !report),
  );
  return {
    counts: {
      'messages handed in': handed.length,
      'answered 250': accepted.length,
      'accepted and lost': lost.length + vanished.length,
      'stored twice': twice.length,
    },
    broken: [
      ...lost.map(({ subject }) => `${subject} was answered 250 and is lost`),
      ...twice.map(({ subject }) => `${subject} was stored twice`),
      ...vanished.map(([subject]) => `${subject} is neither held nor dealt with`),
    ],
  };
}

function deliveries(run: Run): Judgement {
  const { journal, stored, deliveries: received } = run;
  const orders = journal.orders.filter(({ drop }) => drop.startsWith('Release'));
  const open = [...stored].filter(([, messages]) =>
    messages.some((one) => one.delivery && one.delivery.state !== 'done'),
  );
  const work = judgeWork({ run, orders, received, what: 'release', recordedBy: (id) => deliveryRecord(id) });
  return {
    counts: {
      'releases answered OK': answered(orders).size,
      deliveries: received.length,
      'releases lost': work.lost,
      'delivered again in the window of a kill': work.inWindow,
      'delivered twice otherwise': work.outside,
    },
    broken: [...work.broken, ...open.map(([subject]) => `the delivery of ${subject} did not end`)],
  };
}

function reports(run: Run): Judgement {
  const { journal, stored, reports: received } = run;
  const open = [...stored].filter(([, messages]) =>
    messages.some(({ report }) => report && Object.values(report.targets).some(({ state }) => state !== 'done')),
  );
  const both = (['ham', 'spam'] as const).map((verdict) =>
    judgeWork({
      run,
      orders: journal.orders.filter(({ drop }) =>
        verdict === 'spam' ? drop === 'Spam' : drop === 'Not Spam' || drop === 'Release &- Train',
      ),
      received: received.filter(({ trace }) => trace.startsWith(`/learn${verdict} `)),
      what: `report of ${verdict}`,
      recordedBy: (id) => (entry) => entry.event === 'report' && entry.message === id && entry.outcome === 'done',
    }),
  );
  const sum = (pick: (work: Work) => number): number => both.reduce((total, work) => total + pick(work), 0);
  return {
    counts: {
      reports: received.length,
      'reports lost': sum(({ lost }) => lost),
      'reported again in the window of a kill': sum(({ inWindow }) => inWindow),
      'reported twice otherwise': sum(({ outside }) => outside),
    },
    broken: [...both.flatMap(({ broken }) => broken), ...open.map(([subject]) => `a report of ${subject} did not end`)],
  };
}

const deliveryRecord =
  (id: string) =>
  (entry: LogEntry): boolean =>
    entry.event === 'delivery' && entry.message === id && entry.outcome === 'done';

interface Work {
  lost: number;
  inWindow: number;
  outside: number;
  broken: string[];
}

interface WorkOptions {
  run: Run;
  orders: readonly Order[];
  received: readonly Received[];
  what: string;
  recordedBy: (id: string) => (entry: LogEntry) => boolean;
}

function judgeWork({ run, orders, received, what, recordedBy }: WorkOptions): Work {
  const bySubject = Map.groupBy(received, ({ subject }) => subject);
  const sent = new Set(orders.map(({ subject }) => subject));
  const lost = [...answered(orders)].filter((subject) => !bySubject.has(subject));
  const broken = [
    ...lost.map((subject) => `the ${what} of ${subject} was answered OK and is lost`),
    ...[...bySubject.keys()]
      .filter((subject) => !sent.has(subject))
      .map((subject) => `nobody asked for the ${what} of ${subject}`),
  ];
  let [inWindow, outside] = [0, 0];
  for (const [subject, times] of bySubject) {
    if (new Set(times.map(({ trace }) => trace)).size > 1) broken.push(`the ${what} of ${subject} has two traces`);
    const isRecord = recordedBy(run.stored.get(subject)?.[0]?.id ?? '');
    for (const [i, again] of times.slice(1).entries()) {
      const why = unexplained(run.instances, times[i], again, isRecord);
      if (why === null) inWindow++;
      else {
        outside++;
        broken.push(`the ${what} of ${subject} came again after ${again.at - (times[i]?.at ?? 0)} ms: ${why}`);
      }
    }
  }
  return { lost: lost.length, inWindow, outside, broken };
}

function answered(orders: readonly Order[]): Set<string> {
  return new Set(orders.filter((order) => order.answered).map(({ subject }) => subject));
}

/** A repetition needs that whoever tried before was killed at it, and that nobody had recorded the outcome. Null: so it was. */
function unexplained(
  instances: readonly Instance[],
  before: Received | undefined,
  again: Received,
  isRecord: (entry: LogEntry) => boolean,
): string | null {
  if (!before) return 'there was no first time';
  const recorded = instances.some(({ log }) => log.some((entry) => isRecord(entry) && Number(entry.time) < again.at));
  if (recorded) return 'its outcome was recorded before';
  const killed = instances.filter(({ signal }) => signal?.name === 'SIGKILL' && signal.at <= again.at);
  const first = instances.find(({ pid }) => pid === before.pid);
  // A process that was gone when we looked was killed just before or after we read what it had sent.
  const since = before.at - 5_000;
  if (first ? killed.includes(first) : killed.some(({ signal }) => (signal?.at ?? 0) >= since)) return null;
  return first ? `process ${first.name} was not killed in between` : 'no process was killed in between';
}

function sessions({ journal, instances }: Run): Judgement {
  const processOf = new Map<unknown, Instance>();
  const keptBy = new Map<string, Instance>();
  for (const instance of instances) {
    for (const entry of instance.log) {
      if (entry.event === 'login') processOf.set(entry.remoteAddress, instance);
      if (entry.event === 'arrival') for (const id of entry.ids as string[]) keptBy.set(id, instance);
    }
  }
  const accepted = new Map(journal.handed.map((one) => [one.subject, one]));
  const elsewhere: number[] = [];
  const here: number[] = [];
  for (const { subject, at, session } of journal.told) {
    const { acceptedAt, id } = accepted.get(subject) ?? {};
    if (acceptedAt === undefined || acceptedAt === null || !id) continue;
    const [keeper, teller] = [keptBy.get(id), processOf.get(session)];
    // A process that is killed may take its last lines with it.
    if (!keeper || !teller) continue;
    const isElsewhere = keeper !== teller;
    // The notice may overtake the answer to whoever handed the message in.
    (isElsewhere ? elsewhere : here).push(Math.max(at - acceptedAt, 0));
  }
  return {
    counts: {
      'arrivals told in IDLE': journal.told.length,
      'of which by another process': elsewhere.length,
      'median / 95 % ms after the 250, same process': quantiles(here),
      'median / 95 % ms after the 250, another process': quantiles(elsewhere),
      'expunges told': journal.expunges,
      'sessions ended with BYE / cut': `${journal.byes} / ${journal.cuts}`,
      'sessions told wrong': journal.wrong.length,
      'answers that did not come': journal.unanswered.length,
    },
    broken: [
      ...journal.wrong,
      ...journal.unanswered,
      ...(elsewhere.length ? [] : ['no session was told of what came in at another process: the run proves nothing']),
    ],
  };
}

function quantiles(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number | string => sorted[Math.floor(sorted.length * part)] ?? '-';
  return `${at(0.5)} / ${at(0.95)}`;
}

function perProcess(instances: readonly Instance[], event: string): string {
  const byName = Map.groupBy(instances, ({ name }) => name);
  const count = (of: readonly Instance[]): number =>
    of.reduce((sum, { log }) => sum + log.filter((entry) => entry.event === event).length, 0);
  return [...byName].map(([name, of]) => `${name} ${count(of)}`).join(', ');
}

function processes({ instances }: Run): Judgement {
  const told = (name: 'SIGKILL' | 'SIGTERM'): Instance[] => instances.filter(({ signal }) => signal?.name === name);
  const unclean = told('SIGTERM').filter(({ exitCode }) => exitCode !== 0);
  const byThemselves = instances.filter(({ signal }) => signal === null);
  const errors = instances.flatMap(({ name, log }) =>
    log.filter(({ level }) => level >= 50).map((entry) => `process ${name} logged: ${JSON.stringify(entry)}`),
  );
  return {
    counts: {
      'logins by process': perProcess(instances, 'login'),
      'arrivals by process': perProcess(instances, 'arrival'),
      'processes started': instances.length,
      'killed (SIGKILL)': told('SIGKILL').length,
      'told to stop (SIGTERM)': told('SIGTERM').length,
      'errors logged': errors.length,
    },
    broken: [
      ...unclean.map(({ name, exitCode }) => `process ${name} was told to stop and ended with ${exitCode}`),
      ...byThemselves.map(({ name }) => `process ${name} ended by itself`),
      ...errors,
    ],
  };
}
