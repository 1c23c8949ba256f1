// Whether this process should be sent work: the checks of /readyz, run together whenever somebody asks. A failed check takes the process out
// of a balancer's list; it ends nothing by itself. What a check says is shown to whoever can reach the port: no names, paths or
// causes. The checks are checks.ts; src/open-web.ts puts them together.

/** A warning is told and does not make the process unready. */
export interface Finding {
  state: 'ok' | 'warn' | 'fail';
  /** One line. */
  text: string;
}

export interface Check {
  name: string;
  /** May take some seconds at most. */
  look(): Finding | Promise<Finding>;
}

export interface Report {
  ready: boolean;
  checks: ({ name: string } & Finding)[];
}

export interface Health {
  add(check: Check): void;
  /** Never rejects: a check that throws has failed. */
  report(): Promise<Report>;
  /** Until `started` the process is starting; from `stopping` on it is not ready any more, while it finishes what is under way. */
  started(): void;
  stopping(): void;
}

const phases = {
  starting: { state: 'fail', text: 'the server is starting' },
  serving: { state: 'ok', text: 'the server takes new work' },
  stopping: { state: 'fail', text: 'the server is stopping: it finishes what is under way and takes nothing new' },
} as const satisfies Record<string, Finding>;

export function createHealth(): Health {
  let phase: keyof typeof phases = 'starting';
  const checks: Check[] = [{ name: 'serving', look: () => phases[phase] }];
  return {
    add: (check) => void checks.push(check),
    async report() {
      const found = await Promise.all(checks.map(async (check) => ({ name: check.name, ...(await findingOf(check)) })));
      return { ready: found.every(({ state }) => state !== 'fail'), checks: found };
    },
    started() {
      if (phase === 'starting') phase = 'serving';
    },
    stopping() {
      phase = 'stopping';
    },
  };
}

async function findingOf(check: Check): Promise<Finding> {
  try {
    return await check.look();
  } catch {
    return { state: 'fail', text: 'could not be checked' };
  }
}

/** A line for each check, for people and for `curl`. */
export function reportText({ ready, checks }: Report): string {
  const lines = checks.map(({ name, state, text }) => `${state.padEnd(4)} ${name}: ${text}`);
  return `${ready ? 'ready' : 'not ready'}\n${lines.join('\n')}\n`;
}
