#!/usr/bin/env bash
# Delivers through the SMTP target to a real Postfix, and compares what Postfix stored with what was sent. Starts a Postfix of its own
# on a loopback port, with its own configuration and queue, beside one that may be running; leaves nothing behind. Needs root.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$root/node_modules/.bin:$PATH:/usr/sbin
missing() { echo "postfix.sh: cannot run: $1" >&2; exit 2; }
[ "$(id -u)" = 0 ] || missing 'Postfix is started by root only'
for program in postfix postconf openssl node; do
  command -v "$program" >/dev/null || missing "$program is not installed (on Debian: apt-get install postfix openssl)"
done
getent passwd postfix >/dev/null || missing 'there is no user "postfix"'

work=$(mktemp -d)
chmod 755 "$work"
stop() { postfix -c "$work/etc" stop >/dev/null 2>&1 || true; rm -rf "$work"; }
trap stop EXIT
mkdir -p "$work"/{etc,queue,data,mail}
chown postfix "$work/data"
chown nobody "$work/mail"
port=$(node -p 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() }); ""' | head -1)
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=another.example -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null

cat >"$work/etc/main.cf" <<END
compatibility_level = 3.6
queue_directory = $work/queue
data_directory = $work/data
maillog_file = $work/log
maillog_file_prefixes = $work
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = next-hop.example.test
mydestination =
virtual_mailbox_domains = example.com
virtual_mailbox_base = $work/mail
virtual_mailbox_maps = inline:{ { bob@example.com = bob/ }, { jürgen@example.com = juergen/ } }
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
smtpd_recipient_restrictions = check_recipient_access inline:{ { later@example.com = DEFER come back later } }, permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtpd_tls_cert_file = $work/cert.pem
smtpd_tls_key_file = $work/key.pem
message_size_limit = 6000000
virtual_mailbox_limit = 0
END
cat >"$work/etc/master.cf" <<END
127.0.0.1:$port inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
virtual   unix  - n n - - virtual
error     unix  - - n - - error
retry     unix  - - n - - error
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
END
postfix -c "$work/etc" start >"$work/start" 2>&1 || { cat "$work/start" "$work/log" >&2; exit 1; }

cd "$root"
node scripts/real/postfix.ts "smtp://127.0.0.1:$port" "$work/mail" || { tail -50 "$work/log" >&2; exit 1; }
grep -qE 'using TLSv1\.[23]' "$work/mail"/bob/new/* || { echo 'postfix.sh: no message came over TLS' >&2; exit 1; }
echo 'postfix.sh: ok'
