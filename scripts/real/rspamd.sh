#!/usr/bin/env bash
# Reports to a real rspamd through the rspamd target, and asks rspamd whether it learned. Starts an rspamd of its own on a loopback port
# (a controller with statistics in SQLite, no Redis, no scanning), beside one that may be running; leaves nothing behind.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$root/node_modules/.bin:$PATH
missing() { echo "rspamd.sh: cannot run: $1" >&2; exit 2; }
for program in rspamd node; do
  command -v "$program" >/dev/null || missing "$program is not installed (on Debian: apt-get install rspamd)"
done

work=$(mktemp -d)
pid=
stop() {
  if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap stop EXIT
port=$(node -p 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() }); ""' | head -1)

# $1: the classifier, or nothing
start() {
  cat >"$work/rspamd.conf" <<END
lua = "\$RULESDIR/rspamd.lua"
options { filters = ""; pidfile = "$work/pid"; tempdir = "$work"; dns { timeout = 1s; retransmits = 1; } }
logging { type = "file"; filename = "$work/log"; level = "info"; }
worker "controller" {
  bind_socket = "127.0.0.1:$port";
  count = 1;
  password = "read only";
  enable_password = "sécret";
}
$1
END
  rspamd -f -i -c "$work/rspamd.conf" --var DBDIR="$work" --var RUNDIR="$work" >"$work/out" 2>&1 &
  pid=$!
  # The first start compiles patterns for a while.
  for _ in $(seq 120); do
    if node -e "fetch('http://127.0.0.1:$port/ping').then(() => process.exit(0), () => process.exit(1))"; then return; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 1
  done
  cat "$work/out" "$work/log" >&2
  echo 'rspamd.sh: rspamd did not start' >&2
  exit 1
}

cd "$root"
start 'classifier "bayes" {
  tokenizer { name = "osb"; }
  cache { type = "sqlite3"; path = "'"$work"'/cache.sqlite"; }
  backend = "sqlite3";
  min_tokens = 11;
  statfile { symbol = "BAYES_HAM"; path = "'"$work"'/ham.sqlite"; spam = false; }
  statfile { symbol = "BAYES_SPAM"; path = "'"$work"'/spam.sqlite"; spam = true; }
}'
node scripts/real/rspamd.ts "http://127.0.0.1:$port" learns || { tail -50 "$work/log" >&2; exit 1; }
kill "$pid"; wait "$pid" 2>/dev/null || true; pid=
start 'classifier "bayes" {
  tokenizer { name = "osb"; }
  backend = "redis";
  servers = "127.0.0.1:1";
  min_tokens = 11;
  statfile { symbol = "BAYES_HAM"; spam = false; }
  statfile { symbol = "BAYES_SPAM"; spam = true; }
}'
node scripts/real/rspamd.ts "http://127.0.0.1:$port" 'has lost its store' || { tail -50 "$work/log" >&2; exit 1; }
echo 'rspamd.sh: ok'
