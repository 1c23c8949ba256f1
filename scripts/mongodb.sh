#!/usr/bin/env bash
# A server for tests that speaks MongoDB's protocol, on 127.0.0.1; what it is and what it can't do: scripts/mongodb/README.md.
#   scripts/mongodb.sh [java|ferretdb] [PORT]                 starts it (port 0, the default: a free one), says where, stays until Ctrl-C
#   scripts/mongodb.sh [java|ferretdb] [PORT] -- COMMAND…     runs COMMAND with TEST_MONGODB_URL and TEST_MONGODB_SERVER set, then ends it
# With TEST_MONGODB_URL set already it starts nothing. What it downloads stays under ~/.cache/lazaretto-test. Exit: COMMAND's, or 77 when
# the server can't be had on this machine (the reason is printed), 2 for a wrong call, 1 when the server does not start.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/lazaretto-test
mongo_java_server=1.47.0
maven_dependency_plugin=2.8
ferretdb=v1.24.2

say() { printf 'mongodb.sh: %s\n' "$*" >&2; }
fail() { say "$2"; exit "$1"; }

kind=java
port=0
case "${1:-}" in java | ferretdb) kind=$1; shift ;; esac
if [[ "${1:-}" =~ ^[0-9]+$ ]]; then port=$1; shift; fi
if [ $# -gt 0 ] && [ "$1" != -- ]; then fail 2 "usage: scripts/mongodb.sh [java|ferretdb] [PORT] [-- COMMAND...]"; fi
[ $# -gt 0 ] && shift

if [ -n "${TEST_MONGODB_URL:-}" ]; then
  export TEST_MONGODB_SERVER=${TEST_MONGODB_SERVER:-the server of TEST_MONGODB_URL}
  say "TEST_MONGODB_URL is set: nothing is started, that server is used"
  [ $# -gt 0 ] && exec "$@"
  exit 0
fi

# $1: program, $2: what for and where to get it
need() { command -v "$1" >/dev/null || fail 77 "cannot start $kind: $1 is not installed ($2)"; }
# $1: directory to make, $2: function that fills the empty directory it is given. Complete or absent, also when two start at once.
provide() {
  [ -d "$1" ] && return
  mkdir -p "$cache"
  local made
  made=$(mktemp -d "$cache/making.XXXXXX")
  say "preparing $(basename "$1") in $cache (once)"
  if ! "$2" "$made" >"$made.log" 2>&1; then
    cat "$made.log" >&2
    rm -rf "$made" "$made.log"
    fail 77 "cannot start $kind: it could not be downloaded or built, see above"
  fi
  rm -f "$made.log"
  mv -T "$made" "$1" 2>/dev/null || rm -rf "$made"
}
# Changes with the launcher's text, so that an edited launcher is built anew.
stamp() { cksum <"$1" | cut -d' ' -f1; }

fetch_jars() {
  cat >"$1/pom.xml" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lazaretto</groupId><artifactId>test-mongodb</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server</artifactId><version>$mongo_java_server</version></dependency>
  </dependencies>
</project>
END
  mvn -q -B -f "$1/pom.xml" "org.apache.maven.plugins:maven-dependency-plugin:$maven_dependency_plugin:copy-dependencies" \
    -DoutputDirectory="$1/lib"
}
compile_launcher() { javac -cp "$jars/lib/*" -d "$1" "$root/scripts/mongodb/MongoServer.java"; }
build_ferretdb() {
  cp "$root/scripts/mongodb/ferretdb.go" "$1/main.go"
  printf 'module lazaretto-test\n\ngo 1.24\n\nrequire github.com/FerretDB/FerretDB %s\n' "$ferretdb" >"$1/go.mod"
  (cd "$1" && go build -mod=mod -buildvcs=false -o ferretdb-server .)
}

work=$(mktemp -d)
pid=
stop() {
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null || true
    # FerretDB waits for its clients, and a wedged one for ever.
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ "$kind" = java ]; then
  name="mongo-java-server $mongo_java_server"
  need java 'Java 17 or newer; on Debian: apt-get install default-jdk-headless'
  need javac 'a JDK 17 or newer; on Debian: apt-get install default-jdk-headless'
  jars=$cache/mongo-java-server-$mongo_java_server
  [ -d "$jars" ] || need mvn 'Maven, to download it; on Debian: apt-get install maven'
  provide "$jars" fetch_jars
  classes=$cache/mongo-java-launcher-$mongo_java_server-$(stamp "$root/scripts/mongodb/MongoServer.java")
  provide "$classes" compile_launcher
  # Its garbage would otherwise take a quarter of the machine.
  server=(java -Xmx2g -cp "$classes:$jars/lib/*" MongoServer "$port")
else
  name="FerretDB $ferretdb"
  built=$cache/ferretdb-$ferretdb-$(stamp "$root/scripts/mongodb/ferretdb.go")
  [ -d "$built" ] || need go 'Go 1.24 or newer, to build it'
  provide "$built" build_ferretdb
  mkdir "$work/data"
  server=("$built/ferretdb-server" "$port" "$work/data")
fi

"${server[@]}" >"$work/out" 2>"$work/log" &
pid=$!
for _ in $(seq 600); do
  port=$(sed -n 's/^PORT //p' "$work/out")
  [ -n "$port" ] && break
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
if [ -z "$port" ]; then
  cat "$work/log" >&2
  fail 1 "$name did not start"
fi
export TEST_MONGODB_URL=mongodb://127.0.0.1:$port TEST_MONGODB_SERVER=$name

if [ $# -gt 0 ]; then
  say "$name on 127.0.0.1:$port"
  code=0
  "$@" || code=$?
  # A dead server explains a failed command better than the command does.
  kill -0 "$pid" 2>/dev/null || { say "$name ended by itself meanwhile:"; tail -20 "$work/log" >&2; }
  exit "$code"
fi
printf 'TEST_MONGODB_SERVER=%s\nTEST_MONGODB_URL=%s\n' "$TEST_MONGODB_SERVER" "$TEST_MONGODB_URL"
code=0
wait "$pid" || code=$?
pid=
cat "$work/log" >&2
fail 1 "$name ended by itself (exit $code)"
