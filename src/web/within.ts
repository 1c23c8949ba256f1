// A deadline for asking somebody who may never answer. Called by checks.ts and gauges.ts.

/** Rejects when the answer takes longer; what was asked goes on, and its answer is dropped. */
export async function within<T>(patienceMs: number, asked: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
