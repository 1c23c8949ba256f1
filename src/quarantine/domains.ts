// The domains we keep mail for, by any of their names, and whose mail an address's is. One directory per process: read from the storage,
// read again when the storage says that something changed. Never decides what happens to a message.
import { canonicalLocalPart, parseAddress } from './address.ts';
import type { Owner } from './message.ts';
import type { DomainRecord, Storage } from './ports.ts';
import type { Scope } from './scope.ts';

/** A domain as it begins: any recipient, `+` for sub-addresses, the settings' retention, the quarantine on for everybody. */
export function blankDomain(name: string, deliverTo: string): DomainRecord {
  return {
    name,
    aliases: [],
    deliverTo,
    subaddress: '+',
    recipients: null,
    retentionMs: null,
    quarantine: true,
    quarantineOff: [],
  };
}

export interface DomainDirectory {
  /** By its name or an alias, canonical. */
  find(name: string): DomainRecord | undefined;
  /**
   * The login that an address's mail belongs to: alias domain rewritten, sub-address dropped, lower-cased.
   * Undefined when the domain is not ours.
   */
  ownerOf(address: string): Owner | undefined;
  /** False when the domain keeps a list of its recipients and the address is not on it. */
  isRecipient(address: string): boolean;
  /** False when the quarantine of the scope's domain or address is switched off: such a login sees nothing. */
  isSeenBy(scope: Scope): boolean;
  list(): readonly DomainRecord[];
  /** Reads the records again; when it resolves, everything that was stored before the call is known. */
  refresh(): Promise<void>;
  /** Calls `listener`, which must never throw, whenever a reading found something changed. Returns how to stop. */
  watch(listener: () => void): () => void;
}

export async function openDomainDirectory(storage: Storage): Promise<DomainDirectory> {
  let records: DomainRecord[] = [];
  let byName = new Map<string, DomainRecord>();
  let lastRead: Promise<void> = Promise.resolve();
  const listeners = new Set<{ listener: () => void }>();

  async function read(): Promise<void> {
    const list = await storage.domains.list();
    const names = new Map<string, DomainRecord>();
    for (const record of list) for (const name of [record.name, ...record.aliases]) names.set(name, record);
    const isChanged = JSON.stringify(list) !== JSON.stringify(records);
    records = list;
    byName = names;
    if (isChanged) for (const { listener } of [...listeners]) listener();
  }

  function ownerOf(address: string): Owner | undefined {
    const parsed = parseAddress(address);
    const record = parsed && byName.get(parsed.domain);
    if (!parsed || !record) return undefined;
    return {
      domain: record.name,
      address: `${canonicalLocalPart(parsed.localPart, record.subaddress)}@${record.name}`,
    };
  }

  const directory: DomainDirectory = {
    find: (name) => byName.get(name),
    ownerOf,
    isRecipient(address) {
      const owner = ownerOf(address);
      const recipients = owner && byName.get(owner.domain)?.recipients;
      if (!owner || !recipients) return owner !== undefined;
      return recipients.includes(owner.address.slice(0, owner.address.lastIndexOf('@')));
    },
    isSeenBy(scope) {
      if (scope.role === 'global') return true;
      const record = byName.get(scope.domain);
      if (!record?.quarantine) return false;
      return scope.role === 'domain' || !record.quarantineOff.includes(scope.address);
    },
    list: () => records,
    refresh() {
      // One after the other, so that an older read can never overwrite a newer one.
      lastRead = lastRead.then(read, read);
      return lastRead;
    },
    watch(listener) {
      const entry = { listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
  };
  await directory.refresh();
  return directory;
}
