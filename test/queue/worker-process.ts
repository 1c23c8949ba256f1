// A process of its own with one worker, for several-workers.test.ts to stop and wake:
// node worker-process.ts STORE LEASE_MS
import english from '../../src/languages/en.ts';
import { openDomainDirectory } from '../../src/quarantine/domains.ts';
import { createFolderSet } from '../../src/quarantine/folder-set.ts';
import { startWorker } from '../../src/queue/worker.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { SmtpTarget } from '../../src/targets/smtp.ts';
import { testLog, testPolicy } from '../helpers/quarantine.ts';

const [store = '', leaseMs = ''] = process.argv.slice(2);
const { log } = testLog();
const storage = await openStorage(store, { log });
const delivery = new SmtpTarget();
const worker = startWorker({
  quarantine: {
    storage,
    domains: await openDomainDirectory(storage),
    folders: createFolderSet([], { outgoing: false, training: false, trash: false }),
    policy: testPolicy(),
    sentences: english,
    clock: { now: () => Date.now() },
    log,
  },
  targets: { delivery, reports: [], outgoing: '' },
  leaseMs: Number(leaseMs),
});

process.once('disconnect', () => {
  void worker
    .close(0)
    .then(() => delivery.close())
    .then(() => storage.close());
});
