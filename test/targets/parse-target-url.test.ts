// What an administrator may write for `deliverTo`, and what is said when it is something else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDeliverTo } from '../../src/targets/parse-target-url.ts';

const tcp = (protocol: string, host: string, port: number, shown = `${protocol}://${host}:${port}`): object => ({
  kind: 'tcp',
  protocol,
  host,
  port,
  shown,
});
const readable: Record<string, object> = {
  'smtp://mail.example.com:2525': tcp('smtp', 'mail.example.com', 2525),
  'smtp://mail.example.com': tcp('smtp', 'mail.example.com', 25),
  'smtps://Mail.Example.com/': tcp('smtps', 'mail.example.com', 465),
  'lmtp://127.0.0.1:24': tcp('lmtp', '127.0.0.1', 24),
  'LMTP://localhost:2424': tcp('lmtp', 'localhost', 2424),
  'smtp://[2001:db8::1]:25': tcp('smtp', '2001:db8::1', 25, 'smtp://[2001:db8::1]:25'),
  'smtp://mail_server:25': tcp('smtp', 'mail_server', 25),
  'smtp://bücher.example:25': tcp('smtp', 'xn--bcher-kva.example', 25),
  'smtp://mail.example.com.:25': tcp('smtp', 'mail.example.com', 25),
  '  smtp://a.example:25  ': tcp('smtp', 'a.example', 25),
  'lmtp:/run/dovecot/lmtp': {
    kind: 'unix',
    protocol: 'lmtp',
    path: '/run/dovecot/lmtp',
    shown: 'lmtp:/run/dovecot/lmtp',
  },
  mx: { kind: 'mx', protocol: 'smtp', shown: 'mx' },
  MX: { kind: 'mx', protocol: 'smtp', shown: 'mx' },
  'smtp://us%40er:p%3A%2Fss@mail.example.com:587': {
    ...tcp('smtp', 'mail.example.com', 587),
    credentials: { user: 'us@er', password: 'p:/ss' },
  },
};
for (const [text, expected] of Object.entries(readable)) {
  test(`${text} is understood`, () => assert.deepEqual(parseDeliverTo(text), expected));
}

const mistaken: Record<string, RegExp> = {
  '': /is empty: expected smtp:/,
  'mail.example.com': /"mail\.example\.com" does not say how to deliver: expected smtp:/,
  'mail.example.com:25': /does not say how to deliver/,
  'http://mail.example.com': /"http:\/\/" is no protocol to deliver over/,
  'bob@example.com': /no address and needs its protocol/,
  'smtp:mail.example.com': /not followed by "\/\/"/,
  'smtp:/run/smtp': /only LMTP goes to a socket/,
  'lmtp:run/lmtp': /needs its whole path/,
  'lmtp:/': /needs its whole path/,
  'lmtp:///run/lmtp': /written with one slash/,
  'smtp://': /host or port .* cannot be read|no host name/,
  'smtp://:25': /host or port .* cannot be read|no host name/,
  'smtp://mail.example.com:0': /port 0/,
  'smtp://mail.example.com:65536': /host or port .* cannot be read/,
  'smtp://mail.example.com:smtp': /host or port .* cannot be read/,
  'smtp://mail.example.com:25/path': /nothing may follow the port/,
  'smtp://mail.example.com:25?tls=no': /nothing may follow the port/,
  'smtp://-bad-.example': /no host name/,
  'smtp://192.0.2.300:25': /no host name/,
  'smtp://a..b:25': /no host name/,
  'smtp://a%2Fb:25': /no host name/,
  'lmtp://user:secret@mail.example.com': /takes no user name/,
  'smtp://user@mail.example.com': /cannot be read: expected smtp:\/\/user:password@/,
  'smtp://user:se%zzcret@mail.example.com': /user name or password cannot be read/,
  'smtp://user:se/cret@mail.example.com': /cannot be read/,
  'smtp://user:secret@bad_-': /what stands for the host is no host name/,
};
for (const [text, expected] of Object.entries(mistaken)) {
  test(`"${text}" is refused, with what is expected instead and without its password`, () => {
    assert.throws(
      () => parseDeliverTo(text),
      (error: Error) => {
        assert.match(error.message, expected);
        assert.match(error.message, /expected|as in/);
        assert.doesNotMatch(error.message, /secret|se%|cret/);
        return true;
      },
    );
  });
}
