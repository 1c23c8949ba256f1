// Undoes Content-Transfer-Encoding of a part or of its beginning; broken encodings give what they give. Linear.
// Called by preview and decoded-text. Deliveries, reports and FETCH never come here: they use the content as it is.

/** @param bytes the beginning of a body, which may end anywhere; @param encoding in lower case */
export function decodeTransfer(bytes: Buffer, encoding: string): Buffer {
  switch (encoding) {
    case 'base64':
      return Buffer.from(bytes.toString('latin1'), 'base64');
    case 'quoted-printable':
      return decodeQuotedPrintable(bytes.toString('latin1'));
    default:
      return bytes;
  }
}

function decodeQuotedPrintable(text: string): Buffer {
  const decoded = text
    .replace(/=[ \t]*\r?\n/g, '')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    // The piece may end within a code.
    .replace(/=[0-9A-Fa-f]?$/, '');
  return Buffer.from(decoded, 'latin1');
}
