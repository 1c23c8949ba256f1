// What a test and the process with its storage (process-storage.ts, storage-process.ts) say to each other.
export interface Call {
  id: number;
  room: 'storage' | 'worker';
  method: string;
  args: unknown[];
}

export interface Answer {
  id: number;
  result?: unknown;
  error?: { kind: 'stale' | 'temporary' | 'other'; text: string };
}
