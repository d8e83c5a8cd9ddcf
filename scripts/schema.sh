#!/usr/bin/env bash
# Generates the TypeScript of the schema files in src/kernel/schema. With --check: compares instead of writing.
# Runs inside the schema folder, because the path becomes part of interface names.
set -euo pipefail
cd "$(dirname "$0")/../src/kernel/schema"
if ! command -v capnp >/dev/null; then
  echo "schema: skipped, the capnp compiler is not installed (Debian package capnproto)"
  [ "${1:-}" = "--check" ] && exit 0
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in kernel manifest; do
  cp "$name.capnp" "$work/"
  (cd "$work" && PATH="$OLDPWD/../../../node_modules/.bin:$PATH" capnp-es -ots "./$name.capnp" >/dev/null 2>&1)
  { echo "// @ts-nocheck -- generated"; cat "$work/$name.ts"; } > "$work/out.ts"
  if [ "${1:-}" = "--check" ]; then
    cmp "$work/out.ts" "$name.ts" && echo "schema: $name.ts is what $name.capnp generates"
  else
    cp "$work/out.ts" "$name.ts"
  fi
done
