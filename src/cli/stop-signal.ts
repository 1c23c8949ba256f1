// Ctrl-C and its like: the first one asks to stop, a second one ends the process at once. Called by commands that take their time.

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm passes Ctrl-C on to us although the terminal has sent it already: what comes so soon after the first is the same one. */
const sameSignalMs = 300;

/** Calls `stop` once. Returns how to give the signals their usual meaning back. */
export function onStopSignal(stop: () => void): () => void {
  let firstAt: number | undefined;
  const onSignal = (): void => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      stop();
    } else if (performance.now() - firstAt > sameSignalMs) process.exit(130);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}
