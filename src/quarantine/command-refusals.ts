// Why a command of the command line does nothing: sentences for the administrator at the terminal, who may know the names of commands. Always
// English, like everything that the command line says; what people read in their mail programs is sentences.ts.

export const commandRefusals = {
  notice: (id: string): string =>
    `Message ${id} is a notice of the quarantine, not mail; it can only be read and deleted.`,
  alreadyDelivered: (id: string): string => `Message ${id} was already delivered. Use --again to deliver it once more.`,
  stillHeld: (id: string): string => `Message ${id} is still in its folder; there is nothing to restore.`,
  contentGone: (id: string): string =>
    `The undo period of message ${id} is over: its content is gone, so it can be neither restored nor reported.`,
  deliveryPending: (id: string): string =>
    `Message ${id} is being delivered. Cancel the delivery first (jobs cancel ${id}).`,
  deliveryParked: (id: string): string =>
    `The delivery of message ${id} is parked since the store was put back from a backup: it may have been made before. ` +
    `"jobs retry ${id}" makes it now, "jobs cancel ${id}" gives it up.`,
  notThere: (id: string): string => `There is no message ${id}.`,
  removedAlready: (id: string): string => `Message ${id} is no longer held. Restore it first (message restore ${id}).`,
  noJob: (id: string): string => `Message ${id} has no job that is due.`,
  allAccepted: (id: string): string =>
    `All recipients of message ${id} have accepted it already. Use --again to deliver it to all of them once more.`,
} as const;
