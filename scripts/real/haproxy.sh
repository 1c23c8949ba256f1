#!/usr/bin/env bash
# Two Lazaretto servers on one store behind a real HAProxy that speaks the PROXY protocol to them: IMAPS, STARTTLS and LMTP know the
# clients by their own addresses, HAProxy's checks are answered without noise, and a server that goes away is left out at once. Starts an
# HAProxy of its own on loopback ports, beside one that may be running; leaves nothing behind.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$root/node_modules/.bin:$PATH:/usr/sbin
missing() { echo "haproxy.sh: cannot run: $1" >&2; exit 2; }
for program in haproxy node; do
  command -v "$program" >/dev/null || missing "$program is not installed (on Debian: apt-get install haproxy)"
done

work=$(mktemp -d)
pid=
stop() {
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap stop EXIT
# Nine free ports: what clients connect to, then the two servers, each IMAPS, IMAP and LMTP.
read -r imaps imap lmtp a_imaps a_imap a_lmtp b_imaps b_imap b_lmtp < <(node -e '
const { createServer } = require("node:net");
const servers = Array.from({ length: 9 }, () => createServer().listen(0, "127.0.0.1"));
Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve)))).then(() => {
  console.log(servers.map((server) => server.address().port).join(" "));
  for (const server of servers) server.close();
});')

# As in README, with these ports, more frequent checks, and version 1 of the protocol for STARTTLS.
cat >"$work/haproxy.cfg" <<END
global
  stats socket $work/stats mode 600 level user
defaults
  mode tcp
  balance leastconn
  retries 3
  option redispatch
  timeout connect 5s
  timeout client 32m
  timeout server 32m
  timeout check 3s
  default-server check check-send-proxy send-proxy-v2 inter 100 fall 1 rise 1
listen imaps
  bind 127.0.0.1:$imaps
  option tcp-check
  tcp-check expect string Lazaretto
  server a 127.0.0.1:$a_imaps check-ssl verify none
  server b 127.0.0.1:$b_imaps check-ssl verify none
listen imap
  bind 127.0.0.1:$imap
  option tcp-check
  tcp-check expect string Lazaretto
  server a 127.0.0.1:$a_imap no-send-proxy-v2 send-proxy
  server b 127.0.0.1:$b_imap no-send-proxy-v2 send-proxy
listen lmtp
  bind 127.0.0.1:$lmtp
  option tcp-check
  tcp-check expect rstring ^220
  server a 127.0.0.1:$a_lmtp
  server b 127.0.0.1:$b_lmtp
END
haproxy -c -f "$work/haproxy.cfg" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
haproxy -db -f "$work/haproxy.cfg" >>"$work/log" 2>&1 &
pid=$!

cd "$root"
node scripts/real/haproxy.ts "$work/stats" "$imaps,$imap,$lmtp" "$a_imaps,$a_imap,$a_lmtp" "$b_imaps,$b_imap,$b_lmtp" ||
  { tail -50 "$work/log" >&2; exit 1; }
echo 'haproxy.sh: ok'
