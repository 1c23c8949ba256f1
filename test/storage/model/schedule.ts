// Decides what happens next, for tests of what several processes do to one store. Everything that a process does is a step that waits here
// for its turn; the schedule picks one at random, lets a process stand still for long, loses a request or its answer, or kills a process
// between any two of its steps. What was picked is written down, and the same seed picks the same again (as long as one step runs at a
// time and all that waits is here). Used by the model test.
import type { SeededRandom } from '../../helpers/seeded-random.ts';

/** Chances in a thousand, at each step. */
export interface Dangers {
  /** A process stands still for up to `pauseSteps` steps of the others. */
  pause: number;
  /** A process dies, before or after the step that is its last. */
  kill: number;
  /** A request does not arrive, or its answer is lost. */
  lose: number;
}

export const noDangers: Dangers = { pause: 0, kill: 0, lose: 0 };

const pauseSteps = 150;
const traceLength = 3_000;
/** Without any step this long the processes wait for something that never comes. */
const stuckAfterMs = 30_000;

export class Killed extends Error {}

export interface SteppedProcess {
  readonly name: string;
  readonly isAlive: boolean;
  /** Rejects with Killed. */
  readonly killed: Promise<never>;
  /** Called when it is killed. */
  onKill: () => void;
}

interface Life extends SteppedProcess {
  isAlive: boolean;
  pausedUntil: number;
  end(): void;
}

interface Step {
  life: Life;
  name: string;
  run: () => Promise<unknown>;
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
}

export interface Schedule {
  start(name: string): SteppedProcess;
  /** Runs when it is this step's turn. Never resolves when the process is killed before or while it runs. */
  step<Result>(process: SteppedProcess, name: string, run: () => Promise<Result>): Promise<Result>;
  /** Takes step after step until `work` is done. */
  run<Result>(work: Promise<Result>): Promise<Result>;
  /** For the reader of a failure. */
  note(text: string): void;
  /** Something was lost or killed. */
  readonly wasHarmed: boolean;
  readonly kills: number;
  setDangers(dangers: Dangers): void;
  trace(): string;
}

export interface ScheduleOptions {
  random: SeededRandom;
  /** Steps that may run at once. Only one by one they are the same in each run. */
  together: number;
  mostKills: number;
  /** What a process is told when its request or the answer was lost. */
  lost: () => Error;
}

export function createSchedule({ random, together, mostKills, lost }: ScheduleOptions): Schedule {
  const lives = new Map<SteppedProcess, Life>();
  const trace: string[] = [];
  const running = new Set<Promise<void>>();
  let waiting: Step[] = [];
  let dangers = noDangers;
  let turn = 0;
  let kills = 0;
  let wasHarmed = false;

  function note(text: string): void {
    trace.push(`${String(turn).padStart(5)}  ${text}`);
    if (trace.length > traceLength) trace.shift();
  }

  function happens(chance: number): boolean {
    return chance > 0 && random.between(1, 1000) <= chance;
  }

  function kill(life: Life): void {
    kills++;
    wasHarmed = true;
    note(`${life.name} is killed`);
    life.isAlive = false;
    waiting = waiting.filter((step) => step.life !== life);
    life.onKill();
    life.end();
  }

  /** The next step of one that does not stand still; if all do, of any. */
  function pick(): Step | undefined {
    const ready = waiting.filter(({ life }) => life.pausedUntil <= turn);
    const choices = ready.length ? ready : waiting;
    if (!choices.length) return undefined;
    const step = random.pick(choices);
    waiting.splice(waiting.indexOf(step), 1);
    return step;
  }

  async function take(step: Step): Promise<void> {
    turn++;
    const { life, name } = step;
    const dies = kills < mostKills && happens(dangers.kill);
    const isLost = !dies && happens(dangers.lose);
    const arrives = !(dies || isLost) || random.between(0, 1) === 1;
    note(`${life.name}  ${name}${dies || isLost ? (arrives ? ' (its answer is lost)' : ' (never arrives)') : ''}`);
    if (isLost) wasHarmed = true;
    if (happens(dangers.pause)) {
      life.pausedUntil = turn + random.between(10, pauseSteps);
      note(`${life.name} stands still`);
    }
    if (dies && !arrives) return kill(life);
    try {
      // Another of its steps may be the last.
      const result = arrives ? await Promise.race([step.run(), life.killed]) : undefined;
      if (dies) kill(life);
      if (!life.isAlive) return;
      if (isLost) step.reject(lost());
      else step.resolve(result as never);
    } catch (error) {
      if (life.isAlive) step.reject(error);
    }
  }

  function begin(step: Step): Promise<void> {
    const taken = take(step).finally(() => running.delete(taken));
    running.add(taken);
    return taken;
  }

  return {
    note,
    get wasHarmed() {
      return wasHarmed;
    },
    get kills() {
      return kills;
    },
    setDangers(now) {
      dangers = now;
    },
    trace: () => trace.join('\n'),
    start(name) {
      const { promise: killed, reject } = Promise.withResolvers<never>();
      killed.catch(() => undefined);
      const end = (): void => reject(new Killed(`${name} was killed`));
      const life: Life = { name, isAlive: true, killed, onKill: () => undefined, pausedUntil: 0, end };
      lives.set(life, life);
      return life;
    },
    step(process, name, run) {
      const life = lives.get(process);
      if (!life) throw new Error(`${process.name} is not of this schedule`);
      return new Promise((resolve, reject) => {
        if (life.isAlive) waiting.push({ life, name, run, resolve, reject });
      });
    },
    async run(work) {
      let isOver = false;
      const end = (): void => {
        isOver = true;
      };
      work.then(end, end);
      let idleSince = Date.now();
      for (;;) {
        await quiet();
        if (isOver && !running.size) break;
        const hasRoom = running.size < together && (!running.size || random.between(0, 1) === 1);
        const step = hasRoom && !isOver ? pick() : undefined;
        if (step) {
          idleSince = Date.now();
          const taken = begin(step);
          if (together === 1) await taken;
        } else if (running.size) await Promise.race(running);
        else if (Date.now() - idleSince > stuckAfterMs)
          throw new Error('nobody takes a step any more, and the work is not done');
      }
      return work;
    },
  };
}

/** Until everything that follows from the last step without waiting for anything has happened. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
}
