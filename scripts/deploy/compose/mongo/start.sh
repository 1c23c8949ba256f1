#!/usr/bin/env bash
# Starts one member of the replica set. MongoDB insists on a key file that nobody but its own user can read, and a mounted secret belongs to
# whoever owns the file on the host.
set -euo pipefail
install -m 0400 /run/secrets/mongo_keyfile /tmp/keyfile
exec mongod --replSet rs0 --keyFile /tmp/keyfile --bind_ip_all --dbpath /data/db --wiredTigerCacheSizeGB 0.25
