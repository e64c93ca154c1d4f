#!/usr/bin/env bash
# Makes a new certificate for this machine only, in place of an ACME client such as certbot.
#
#   bash samples/Https/renew.sh [FOLDER]     FOLDER: certificates, beside this script
#
# Certificate and key are put into a folder of their own, and the link `live` is switched to it in one step: a worker that
# starts at that moment finds a certificate and a key that belong together.
set -euo pipefail

folder=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/certificates}
mkdir -p "$folder"
version=$(umask 077 && mktemp -d "$folder/$(date -u +%Y%m%dT%H%M%SZ).XXXX")

log=$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 90 \
  -subj /CN=localhost -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
  -keyout "$version/privkey.pem" -out "$version/fullchain.pem" 2>&1) || { echo "$log" >&2; exit 1; }

ln -s "$(basename "$version")" "$version.link"
mv -T "$version.link" "$folder/live"
echo "$folder/live points to $(basename "$version")"
