// README's table of the events in the log. Called by generate.ts.
import { logEvents } from '../../src/quarantine/log-events.ts';

export function eventsTable(): string {
  const rows = Object.entries(logEvents).map(
    ([event, { when, fields }]) => `| \`${event}\` | ${when} | ${fields.replace(/[^, ]+/g, '`$&`') || '–'} |`,
  );
  return ['| Event | When | Fields |', '|---|---|---|', ...rows].join('\n');
}
