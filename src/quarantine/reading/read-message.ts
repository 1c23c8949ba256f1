// Reads a message once, at intake: whatever bytes arrive, it returns a reading, in time and memory linear in their
// number. It must never throw (mail would be lost over a header), never change the bytes and never copy a body.
// Called by intake for arriving mail and by the storage of readings that an older version made.

import { analyseMessage } from './analyse-message.ts';
import { type ReadingLimits, defaultLimits } from './limits.ts';
import { endOfHeader } from './header-fields.ts';
import { READING_VERSION, type Reading } from './reading.ts';

export function readMessage(raw: Buffer, limits: Partial<ReadingLimits> = {}): Reading {
  try {
    return analyseMessage(raw, { ...defaultLimits, ...limits });
  } catch {
    // A mistake of ours must not keep mail out: it is held as one opaque part, and people can still act on it.
    return opaqueReading(raw);
  }
}

function opaqueReading(raw: Buffer): Reading {
  const headerBytes = endOfHeader(raw, 0, raw.length);
  const bodyBytes = raw.length - headerBytes;
  const body = `"application" "octet-stream" NIL NIL NIL "7bit" ${bodyBytes}`;
  const range = { headerStart: 0, headerEnd: headerBytes, bodyStart: headerBytes, bodyEnd: raw.length };
  return {
    version: READING_VERSION,
    sizeBytes: raw.length,
    headerBytes,
    envelope: '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)',
    body: `(${body})`,
    bodyStructure: `(${body} NIL NIL NIL NIL)`,
    listHeader: null,
    parts: [{ path: '1', type: 'application/octet-stream', ...range, lines: 0, encoding: '7bit' }],
    summary: { subject: '', from: '', to: '', cc: '', date: null, messageId: '' },
    preview: '',
    attachments: [],
    analysis: 'limited',
  };
}
