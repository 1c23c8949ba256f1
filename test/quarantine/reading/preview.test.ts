// The line or two that lists show of a message.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkedReading, message } from './checked-reading.ts';

const preview = (...lines: string[]): string => checkedReading(message(...lines)).preview;
const html = (...lines: string[]): string => preview('Content-Type: text/html; charset=utf-8', '', ...lines);

describe('the preview', () => {
  test('is the text on one line', () => assert.equal(preview('', ' Hello', '', '  world\t! ', ''), 'Hello world !'));

  test('has about 200 characters, none of them cut in two', () => {
    assert.equal(preview('', 'word '.repeat(100)).length, 200);
    const emoji = preview(
      'Content-Type: text/plain; charset=utf-8',
      '',
      Buffer.from(`x${'😀'.repeat(200)}`).toString('latin1'),
    );
    assert.equal(emoji.length, 199);
    assert.ok(emoji.isWellFormed());
  });

  test('is decoded', () => {
    assert.equal(
      preview(
        'Content-Type: text/plain; charset=utf-8',
        'Content-Transfer-Encoding: base64',
        '',
        'R3LDvMOf',
        'ZQ==',
        '',
      ),
      'Grüße',
    );
    assert.equal(
      preview(
        'Content-Type: text/plain; charset=iso-8859-1',
        'Content-Transfer-Encoding: Quoted-Printable',
        '',
        'Gr=FC=',
        '=DFe =3D',
        '',
      ),
      'Grüße =',
    );
    assert.equal(preview('Content-Type: text/plain; charset=koi8-r', '', '\xf0\xd2\xc9\xd7\xc5\xd4'), 'Привет');
    assert.equal(preview('', '\xc3\xa4'), 'ä', 'UTF-8 that nobody announced');
    assert.equal(preview('Content-Type: text/plain; charset=nonsense', '', '\xe4'), 'ä');
  });

  test('does not end in half a character when only the beginning of a long text is decoded', () => {
    const text = Buffer.from('ä'.repeat(150) + ' '.repeat(3795) + '€'.repeat(5000)).toString('latin1');
    assert.doesNotMatch(preview('Content-Type: text/plain; charset=utf-8', '', text), /\ufffd/);
    assert.doesNotMatch(preview('', text), /\ufffd|Ã|â/);
  });

  test('comes from the first part that has text, not from attachments', () => {
    const parts = (...lines: string[]): string => preview('Content-Type: multipart/mixed; boundary=b', '', ...lines);
    assert.equal(
      parts(
        'preamble',
        '--b',
        'Content-Type: text/plain; name=a.txt',
        'Content-Disposition: attachment',
        '',
        'attached',
        '--b',
        'Content-Type: text/plain',
        '',
        ' ',
        '--b',
        'Content-Type: text/css',
        '',
        'p {}',
        '--b',
        'Content-Type: text/html',
        '',
        '<b>shown</b>',
        '--b--',
      ),
      'shown',
    );
    assert.equal(parts('--b', 'Content-Type: message/rfc822', '', 'Subject: x', '', 'forwarded', '--b--'), 'forwarded');
    assert.equal(parts('--b', 'Content-Type: image/png', '', 'x', '--b--'), '');
  });

  test('has no tags, styles, scripts, comments or padding', () => {
    assert.equal(
      html(
        '<!DOCTYPE html><html><head><title>t</title><STYLE>p > a {}</STYLE><!-- <p>no</p> --></head>',
        '<body onload="x()"><script>if (a < b) {}</script><h1>One</h1><p>t<b>w</b>o</p>three<br>four',
        '&#8203;&zwnj;&nbsp;&zwnj;&nbsp; end</body></html>',
      ),
      'One two three four end',
    );
  });

  test('knows entities', () => {
    assert.equal(
      html('&lt;b&gt; &amp; &auml;&Ouml;&szlig; &euro;&#8364;&#x20AC; &unknown; &copy &#0;&#xD800;|'),
      '<b> & äÖß €€€ &unknown; © |',
    );
  });

  test('takes "<" for what it is when no tag begins there', () =>
    assert.equal(html('1 < 2 <3 a<b>c</b>'), '1 < 2 <3 ac'));

  test('ends where the page does, in the middle of a tag or a style', () => {
    assert.equal(html('one<a href='), 'one');
    assert.equal(html('one<style>two'), 'one');
    assert.equal(html('one<!-- two'), 'one');
    assert.equal(html('one<!-- two --> three'), 'one three');
  });
});
