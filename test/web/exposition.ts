// Reads the text format of Prometheus, as far as tests need it.

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const found = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/i.exec(line);
    if (!found) return [];
    const pairs = [...(found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    return [
      {
        name: found[1] ?? '',
        labels: Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value])),
        value: Number(found[3]),
      },
    ];
  });
}

/** Of the one series with exactly these labels; null when there is none. */
export function valueOf(text: string, name: string, labels: Record<string, string> = {}): number | null {
  const key = (of: Record<string, string>): string => JSON.stringify(Object.entries(of).sort());
  const found = samplesOf(text).filter((sample) => sample.name === name && key(sample.labels) === key(labels));
  if (found.length > 1) throw new Error(`${name} is there ${found.length} times`);
  return found[0]?.value ?? null;
}

/** Names as queries use them: a histogram is asked for by its buckets, sum and count. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
}
