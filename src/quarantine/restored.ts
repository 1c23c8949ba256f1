// A store that was put back from a backup is behind the world: mail programs know UIDs that it has not given out yet, and far ends may
// have got what it takes for due. Before such a store is served, its mailboxes get a new UIDVALIDITY, so that every mail program begins
// anew, and its jobs are parked until an administrator says go, so that nothing is delivered a second time. Called by main.ts, before
// worker and listeners; by nothing else that runs jobs.
import { isParked, jobNames, jobOf, withJob } from './claims.ts';
import type { Message } from './message.ts';
import type { Quarantine } from './quarantine.ts';
import { repeatWhileStale } from './repeat-while-stale.ts';

const messagesPerCommit = 200;

/** Does nothing for a store that was not restored. Each step may be repeated, so a crash anywhere is made up for by the next start. */
export async function settleRestore(quarantine: Quarantine): Promise<void> {
  const { upkeep } = quarantine.storage;
  if (!(await upkeep.isRestored())) return;
  await upkeep.raiseUidValidity();
  let parked = 0;
  for (let page = -1; page !== 0;) {
    page = await repeatWhileStale(() => parkPage(quarantine));
    parked += page;
  }
  // Told before it is forgotten: twice after a crash rather than never.
  quarantine.log.warn(
    { event: 'restored', parked },
    'this store was put back from a backup: mail programs fetch their lists anew' +
      (parked
        ? ', and jobs that were due are parked, because they may have been done since the backup was made; see "jobs list", then ' +
          '"jobs retry --parked" or "jobs cancel ID"'
        : '; no job was due'),
  );
  await upkeep.settled();
}

/** Answers how many jobs it parked; 0 when there is nothing left to park. */
async function parkPage({ storage, clock }: Quarantine): Promise<number> {
  // Another process that started at the same moment may be done with it, and may have taken new orders since.
  if (!(await storage.upkeep.isRestored())) return 0;
  // Whatever is due at any time; what is parked is not found any more.
  const messages = await storage.worker.due(Number.MAX_SAFE_INTEGER, messagesPerCommit);
  if (!messages.length) return 0;
  const now = clock.now();
  const changes = messages.map((before) => ({ before, ...parked(before, now) }));
  await storage.commit(changes.map(({ before, after }) => ({ before, after })));
  return changes.reduce((sum, { jobs }) => sum + jobs, 0);
}

/** A lease stays: should its owner be alive after all, the outcome of the attempt that is under way still counts. */
function parked(message: Message, now: number): { after: Message; jobs: number } {
  const open = jobNames(message).filter((name) => {
    const job = jobOf(message, name);
    return job?.state === 'due' && !isParked(job);
  });
  return { after: open.reduce((next, name) => withJob(next, name, { parkedAt: now }), message), jobs: open.length };
}
