// The scripted far end itself: its bytes are what the other tests believe.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startFarEnd } from './far-end.ts';

test('the scripted far end takes what any client sends, so that its bytes can be trusted', async (t) => {
  const farEnd = await startFarEnd();
  t.after(() => farEnd.close());
  const socket = connect(farEnd.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(
    'EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n..dot\r\n.\r\r\n\n.\n..\r\n\u0000\r\n.\r\nQUIT\r\n',
  );
  const received = await farEnd.nextReceived();
  assert.equal(received.content.toString('latin1'), '.dot\r\n\r\r\n\n.\n..\r\n\u0000\r\n');
});
