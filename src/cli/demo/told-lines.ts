// What the demo tells while it runs: one line for each thing that happens. What comes from mail is shown without control characters.
// Called by start-demo.ts and demo-log.ts.
import { styleText } from 'node:util';
import { shownCount, shownNumber, shownText } from '../shown-values.ts';
import type { Learned } from './learning-filter.ts';
import type { Arrived } from './next-hop.ts';

export function arrivedLine({ sender, recipients, subject, sizeBytes, trace }: Arrived): string {
  const to = recipients.map((recipient) => shownText(recipient)).join(', ');
  const from = shownText(sender) || '<> (a bounce)';
  const facts = `${shownNumber(sizeBytes)} bytes, trace ${shownText(trace)}`;
  return `${arrow('green')} delivered to ${to} from ${from} "${shownText(subject)}" (${facts})`;
}

export function refusedLine(recipient: string, reply: string): string {
  return `${arrow('red')} refused for ${shownText(recipient)}: ${shownText(reply)}`;
}

export function learnedLine({ verdict, subject, sizeBytes }: Learned): string {
  const what = verdict === 'ham' ? 'not spam' : 'spam';
  return `${arrow('cyan')} learned as ${what}: "${shownText(subject)}" (${shownNumber(sizeBytes)} bytes)`;
}

export interface Drop {
  by: string;
  cause: 'APPEND' | 'COPY' | 'MOVE';
  folder: string;
  from?: string;
  total: number;
  /** Of these, how many had nothing to be done for them. */
  nothing: number;
}

export function dropLine({ by, cause, folder, from, total, nothing }: Drop): string {
  const verb = { APPEND: 'put', COPY: 'copied', MOVE: 'moved' }[cause];
  const way = from === undefined ? `into ${folder}` : `from ${from} to ${folder}`;
  const end = nothing === total ? ': nothing to do' : '';
  return `${arrow('yellow')} ${by} ${verb} ${shownCount(total, 'message')} ${way}${end}`;
}

/** For what the server warns of. */
export function troubleLine(text: string, login?: string): string {
  return `${styleText('red', '!')} ${text}${login === undefined ? '' : ` (${shownText(login)})`}`;
}

/** Coloured only on a terminal that shows colours. */
function arrow(colour: 'green' | 'red' | 'cyan' | 'yellow'): string {
  return styleText(colour, '→');
}
