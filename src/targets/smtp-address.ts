// Whether an envelope address can be sent over SMTP at all, and what it needs of the far end. Addresses go out exactly as received, so
// what cannot be written between < and > unchanged is refused here, before anything is connected. Called by the SMTP target. Pure.

/** Why no SMTP client can send this address; null when it can. Our words, fit for a notice. */
export function unsendableReason(address: string): string | null {
  if (address === '') return 'the address is empty';
  // A line break would end the command and begin another one.
  if (/[\u0000-\u001f\u007f]/.test(address)) return 'the address holds a control character';
  // The path ends at the first ">", and nodemailer refuses both; RFC 5321 allows them in a quoted local part, which nobody uses.
  if (/[<>]/.test(address)) return 'the address holds an angle bracket';
  // Nodemailer would trim it to another address.
  if (address !== address.trim()) return 'the address begins or ends with a blank';
  // Half a surrogate pair has no UTF-8, and would become another character on the wire.
  if (!address.isWellFormed()) return 'the address holds a broken character';
  return null;
}

/** RFC 6531 section 3.4: anything beyond ASCII in an address may only be sent to a far end that offers SMTPUTF8. */
export function needsSmtpUtf8(address: string): boolean {
  return /[^\u0000-\u007f]/.test(address);
}
