// Says where a process is in its talk with a MongoDB server: a step before each command that writes is sent and one after it was answered,
// so that the crash run kills between any two writes of the driver, not only between two calls of the storage port. It listens to what the
// client tells of itself; the storage under test knows nothing of it.
import { MongoClient } from 'mongodb';
import type { CommandStartedEvent, CommandSucceededEvent } from 'mongodb';

const writes = new Set(['insert', 'update', 'delete', 'findAndModify']);

/** Answers the URL to open in the place of the given one. `onStep` is called synchronously and may not return. */
export function stepAtCommands(storeUrl: string, onStep: (step: string) => void): string {
  const { connect } = MongoClient.prototype;
  MongoClient.prototype.connect = function (this: MongoClient) {
    this.on('commandStarted', ({ commandName }: CommandStartedEvent) => {
      if (writes.has(commandName)) onStep(`${commandName}: before`);
    });
    this.on('commandSucceeded', ({ commandName }: CommandSucceededEvent) => {
      if (writes.has(commandName)) onStep(`${commandName}: after`);
    });
    return connect.call(this);
  };
  const url = new URL(storeUrl);
  url.searchParams.set('monitorCommands', 'true');
  return url.href;
}
