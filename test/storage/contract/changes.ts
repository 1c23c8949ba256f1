// Changes of messages as the domain makes them, for the contract.
import type { Message } from '../../../src/quarantine/message.ts';
import { comeBack, removeForAll, removeForRole } from '../../../src/quarantine/orders.ts';
import type { Change, Storage } from '../../../src/quarantine/ports.ts';
import type { Role } from '../../../src/quarantine/scope.ts';
import { arrivedAt } from '../../helpers/messages.ts';

/** Commits what `next` makes of the stored message; answers it as it is stored then. */
export async function change(storage: Storage, id: string, next: (message: Message) => Message): Promise<Message> {
  const before = await storage.worker.get(id);
  if (!before) throw new Error(`there is no message ${id}`);
  const { messages } = await storage.commit([{ before, after: next(before) } satisfies Change]);
  if (!messages[0]) throw new Error('the commit answered nothing');
  return messages[0];
}

export const flagged =
  (role: Role, ...flags: string[]) =>
  (message: Message): Message => ({ ...message, flags: { ...message.flags, [role]: flags } });

export const removed =
  (at = arrivedAt) =>
  (message: Message): Message =>
    removeForAll(message, 'deleted', 'global', at);

export const hiddenFrom =
  (role: Role) =>
  (message: Message): Message =>
    removeForRole(message, role, role, arrivedAt);

export const back =
  (at = arrivedAt) =>
  (message: Message): Message =>
    comeBack(message, at);

export const buried = (message: Message): Message => ({ ...message, contentReleased: true });
