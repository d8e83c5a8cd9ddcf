#!/usr/bin/env bash
# Records what this host's processor does into tests/vectors: every encoding, or those of one mnemonic.
set -euo pipefail
cd "$(dirname "$0")/.."
CAPJIT_VECTORS="${1:-}" npx vitest run tests/vectors/record.test.ts
