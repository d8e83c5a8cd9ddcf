#!/usr/bin/env bash
# Every shipped scenario exits 0 with the same console transcript: ten runs, one of them with full checks and one
# with every optimisation off. The hundreds of processes of `attack` would spend a minute under full checks.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in $(npx capjit scenarios | cut -d' ' -f1); do
  level=full
  if [ "$name" = attack ]; then level=frugal; fi
  npx capjit run "$name" --quiet --checks "$level" > "$work/full"
  npx capjit run "$name" --quiet --plain > "$work/plain"
  cmp "$work/full" "$work/plain"
  for _ in 1 2 3 4 5 6 7 8; do
    node bin/capjit.js run "$name" --quiet > "$work/again"
    cmp "$work/full" "$work/again"
  done
  echo "$name: 10 runs, exit code 0, one transcript of $(wc -l < "$work/full") lines"
done
