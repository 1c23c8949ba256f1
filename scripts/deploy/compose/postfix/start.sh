#!/usr/bin/env bash
# Starts Postfix in the foreground, with its log on stdout. /run is in memory, /var/spool/postfix and /var/lib/postfix are volumes.
set -euo pipefail
printf '%s OK\n' "${MAIL_DOMAIN:?}" >/run/domains
postfix check
exec postfix start-fg
