// `lazaretto jobs …`: deliveries and reports that are under way. Called by program.ts.
import type { Command } from 'commander';
import type { JobName } from '../quarantine/claims.ts';
import { cancelJob, listJobs, retryJobs } from '../quarantine/jobs.ts';
import type { ListedJob, Retried } from '../quarantine/jobs.ts';
import { jsonDate } from './answer.ts';
import { withQuarantine } from './command-context.ts';
import { UsageError } from './failures.ts';
import { exampleId, examples } from './help-text.ts';
import { parkedSince, stateOf } from './message-story.ts';
import { limitOf } from './option-values.ts';
import { shownCount, shownDate, shownText } from './shown-values.ts';

const width = 78;

export function addJobCommands(program: Command): void {
  const jobs = program.command('jobs').description('deliveries and reports that are under way').helpCommand(false);
  jobs
    .command('list')
    .description('list jobs with the last answer of the far end, the newest order first')
    .option('--all', 'also those that ended')
    .option('--limit <number>', 'of at most so many messages', limitOf, 100)
    .addHelpText('after', examples('jobs list', 'jobs list --all --limit 20'))
    .action(async (options: { all?: boolean; limit: number }, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const list = await listJobs(quarantine, { ended: options.all === true, limit: options.limit });
        await answer(
          list.length ? list.map(shownJob).join('\n\n') : 'No jobs.',
          list.map(({ message, job, ...state }) => ({
            id: message.id,
            ...named(job, message.report?.verdict),
            ...state,
            nextAttemptAt: jsonDate(state.nextAttemptAt),
            parkedAt: jsonDate(state.parkedAt),
            lastReply: state.lastReply ?? null,
            envelope: message.envelope,
          })),
        );
      }),
    );
  jobs
    .command('retry')
    .description('try deferred jobs at once; without an id, all of them but parked ones')
    .argument('[id...]', 'messages, as shown by jobs list')
    .option('--parked', 'all that are parked since the store was put back from a backup')
    .addHelpText('after', examples('jobs retry', `jobs retry ${exampleId}`, 'jobs retry --parked'))
    .action(async (ids: string[], options: { parked?: boolean }, command: Command) => {
      if (options.parked && ids.length)
        throw new UsageError('--parked is for all that are parked; leave it out to name single ones.');
      await withQuarantine(command, async ({ quarantine, answer }) => {
        const which = options.parked ? 'parked' : ids.length ? [...new Set(ids)] : 'deferred';
        const retried = await retryJobs(quarantine, which);
        await answer(retryText(retried, which === 'parked'), retried);
      });
    });
  jobs
    .command('cancel')
    .description('give up what is due for a message; a cancelled delivery brings it back into its view, deleted or not')
    .argument('<id>', 'message, as shown by jobs list')
    .addHelpText('after', examples(`jobs cancel ${exampleId}`))
    .action(async (id: string, _options: object, command: Command) =>
      withQuarantine(command, async ({ quarantine, answer }) => {
        const message = await cancelJob(quarantine, id, 'cli');
        await answer(`${message.id}  ${stateOf(message)}`, { id: message.id, state: stateOf(message) });
      }),
    );
}

function retryText({ retried, parked }: Retried, onlyParked: boolean): string {
  const none = onlyParked ? 'No job is parked.' : 'No job was deferred.';
  const lines = [retried ? `${shownCount(retried, 'job')} will be tried at once.` : none];
  const stay = parked === 1 ? 'stays parked since the restore: it' : 'stay parked since the restore: they';
  if (parked)
    lines.push(
      `${shownCount(parked, 'job')} ${stay} may have been done before. See "jobs list", then "jobs retry ID", ` +
        '"jobs retry --parked" for all of them, or "jobs cancel ID".',
    );
  return lines.join('\n');
}

function named(
  job: JobName,
  verdict: string | undefined,
): { kind: string; target: string | null; verdict: string | null } {
  if (job.kind === 'delivery') return { kind: 'delivery', target: null, verdict: null };
  return { kind: 'report', target: job.target, verdict: verdict ?? null };
}

function shownJob({ message, job, state, attempts, nextAttemptAt, parkedAt, lastReply }: ListedJob): string {
  const what =
    job.kind === 'delivery' ? 'delivery' : `report as ${message.report?.verdict ?? 'unknown'} to ${job.target}`;
  const next = nextAttemptAt === null ? '' : `, next ${shownDate(nextAttemptAt)}`;
  const parties = `${message.envelope.sender || '<>'} → ${message.envelope.recipients.join(', ')}`;
  return [
    `${message.id}  ${what}: ${state === 'due' && attempts ? 'deferred' : state}, ${shownCount(attempts, 'attempt')}${next}`,
    `  ${shownText(parties, width - 2)}`,
    ...(parkedAt === null ? [] : [`  ${parkedSince(parkedAt, job.kind)}`]),
    ...(lastReply ? [`  ${shownText(lastReply)}`] : []),
  ].join('\n');
}
