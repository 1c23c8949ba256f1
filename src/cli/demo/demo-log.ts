// The server's log during the demo: all of it goes to a file, as JSON lines, and what a person who tries things out wants to know is told.
// Called by demo.ts.
import { pino } from 'pino';
import type { Log } from '../../quarantine/ports.ts';
import { dropLine, troubleLine } from './told-lines.ts';
import type { Drop } from './told-lines.ts';

export interface DemoLog extends Log {
  /** Until then only errors are told: that a certificate had to be made is nothing to be warned of in a demo. */
  nowReady(): void;
  /** Lets go of the file. Nothing may be logged after it. */
  close(): void;
}

export function openDemoLog(file: string, tell: (line: string) => void): DemoLog {
  const destination = pino.destination({ dest: file, sync: true });
  const kept = pino({ level: 'debug' }, destination);
  let isReady = false;
  return {
    nowReady() {
      isReady = true;
    },
    close: () => destination.end(),
    debug: (fields, text) => kept.debug(fields, text),
    info(fields, text) {
      kept.info(fields, text);
      if (isDrop(fields)) tell(dropLine(fields));
    },
    warn(fields, text) {
      kept.warn(fields, text);
      if (isReady) tell(troubleLine(text, loginOf(fields)));
    },
    error(fields, text) {
      kept.error(fields, text);
      tell(troubleLine(text, loginOf(fields)));
    },
  };
}

/** As act.ts and append.ts log it. */
function isDrop(fields: object): fields is Drop {
  return 'event' in fields && fields.event === 'drop';
}

function loginOf(fields: object): string | undefined {
  return 'login' in fields && typeof fields.login === 'string' ? fields.login : undefined;
}
