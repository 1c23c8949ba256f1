import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProgressBar } from '../../src/cli/progress-bar.ts';

function screen(isTTY: boolean, columns = 60) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
}

test('the bar shows how far it has come, at most ten times a second, and leaves nothing behind', () => {
  const clock = { at: 0 };
  const terminal = screen(true);
  const bar = createProgressBar(terminal, () => clock.at);
  bar.show(0, '0 messages');
  bar.show(0.1, '10 messages');
  clock.at = 150;
  bar.show(0.5, '50 messages');
  bar.show(1, '100 messages');
  bar.clear();
  assert.equal(terminal.written.length, 4);
  assert.match(terminal.written[1] ?? '', /^\r\[#+ +\] 50 % {2}50 messages\x1b\[K$/);
  assert.match(terminal.written[2] ?? '', /^\r\[#+\]100 % {2}100 messages\x1b\[K$/);
  assert.equal(terminal.written[3], '\r\x1b[K');
  for (const line of terminal.written) assert.ok(line.replaceAll(/\r|\x1b\[K/g, '').length < 60);
});

test('it is silent where there is no terminal', () => {
  const file = screen(false);
  const bar = createProgressBar(file, () => 0);
  bar.show(0.5, 'half');
  bar.clear();
  assert.deepEqual(file.written, []);
});
