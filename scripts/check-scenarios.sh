#!/usr/bin/env bash
# Every shipped scenario exits 0 with the same console transcript: ten runs, one of them with full checks and one
# with every optimisation off. The thousand processes of `attack` take long: four runs.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in $(npx capjit scenarios | cut -d' ' -f1); do
  again=8
  if [ "$name" = attack ]; then again=2; fi
  npx capjit run "$name" --quiet --checks full > "$work/full"
  npx capjit run "$name" --quiet --plain > "$work/plain"
  cmp "$work/full" "$work/plain"
  for _ in $(seq "$again"); do
    node bin/capjit.js run "$name" --quiet > "$work/again"
    cmp "$work/full" "$work/again"
  done
  echo "$name: $((again + 2)) runs, exit code 0, one transcript of $(wc -l < "$work/full") lines"
done
