#!/usr/bin/env bash
# Writes what compose.yaml needs and the repository cannot hold: passwords, MongoDB's key, a certificate, Lazaretto's settings with them, and
# .env. Changes nothing that is there already: delete a file to have it made anew.
#
#   compose/prepare.sh quarantine.example.com example.com
#                      (name that mail programs use) (domain whose mail comes in)
set -euo pipefail
[ $# -eq 2 ] || { echo 'usage: prepare.sh HOSTNAME MAIL_DOMAIN, for example: prepare.sh quarantine.example.com example.com' >&2; exit 2; }
for name in "$@"; do
  [[ $name =~ ^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$ ]] || { echo "prepare.sh: \"$name\" is no host name" >&2; exit 2; }
done
command -v openssl >/dev/null || { echo 'prepare.sh: openssl is not installed' >&2; exit 1; }
hostname=$1 domain=$2
cd "$(dirname "$0")"

# Nobody but you gets into the directory. The files in it can be read by all, because the users in the containers are others than you.
mkdir -p secrets/tls
chmod 700 secrets
umask 022

# A file appears when it is whole. $1: its name; its content is read.
keep() {
  if [ -e "$1" ]; then cat >/dev/null; echo "kept    $1"; return; fi
  cat >"$1.new"
  [ -s "$1.new" ] || { echo "prepare.sh: $1 would be empty" >&2; exit 1; }
  mv "$1.new" "$1"
  echo "written $1"
}

openssl rand -base64 756 | keep secrets/mongo_keyfile
openssl rand -hex 24 | keep secrets/mongo_admin
openssl rand -hex 24 | keep secrets/mongo_lazaretto
openssl rand -hex 24 | keep secrets/rspamd_password

keep secrets/rspamd_controller <<END
bind_socket = "*:11334";
password = "$(cat secrets/rspamd_password)";
enable_password = "$(cat secrets/rspamd_password)";
END

sed -e "s/@HOSTNAME@/$hostname/" \
  -e "s/@MONGO_PASSWORD@/$(cat secrets/mongo_lazaretto)/" \
  -e "s/@RSPAMD_PASSWORD@/$(cat secrets/rspamd_password)/" lazaretto.yaml | keep secrets/lazaretto.yaml

if [ -e secrets/tls/cert.pem ] || [ -e secrets/tls/key.pem ]; then
  echo 'kept    secrets/tls/cert.pem and key.pem'
else
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj "/CN=$hostname" \
    -addext "subjectAltName=DNS:$hostname,DNS:localhost,IP:127.0.0.1" -addext 'extendedKeyUsage=serverAuth' \
    -keyout secrets/tls/key.pem -out secrets/tls/cert.pem 2>/dev/null
  chmod 644 secrets/tls/key.pem
  echo 'written secrets/tls/cert.pem and key.pem (self-signed: put your own in their place, they are loaded without a restart)'
fi

keep ../.env <<END
MAIL_DOMAIN=$domain
END
