// A search as the main thread sees it: a call to the searcher's thread that its client can cancel.
import type { ScopedStorage } from '../../../quarantine/ports.ts';
import type { Thread } from '../thread.ts';
import type { SearcherOperations } from './searcher.ts';

export function searchIn(searcher: Thread<SearcherOperations>): ScopedStorage['search'] {
  let lastTicket = 0;
  return async (scope, view, condition, signal) => {
    if (signal?.aborted) return null;
    const ticket = ++lastTicket;
    const cancel = (): void => void searcher.call('cancel', ticket).catch(() => undefined);
    signal?.addEventListener('abort', cancel);
    try {
      return await searcher.call('search', { ticket, scope, view, condition });
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  };
}
