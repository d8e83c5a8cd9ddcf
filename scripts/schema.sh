#!/usr/bin/env bash
# Generates src/kernel/schema/kernel.ts from kernel.capnp. With --check: compares instead of writing.
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
cp kernel.capnp "$work/"
(cd "$work" && PATH="$OLDPWD/../../../node_modules/.bin:$PATH" capnp-es -ots ./kernel.capnp >/dev/null 2>&1)
{ echo "// @ts-nocheck -- generated"; cat "$work/kernel.ts"; } > "$work/out.ts"
if [ "${1:-}" = "--check" ]; then
  cmp "$work/out.ts" kernel.ts && echo "schema: kernel.ts is what kernel.capnp generates"
else
  cp "$work/out.ts" kernel.ts
fi
