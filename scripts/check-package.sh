#!/usr/bin/env bash
# Packs the package, installs the tarball into an empty folder and runs it there; bounds its unpacked size.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null
mkdir "$work/user"
cd "$work/user"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund "$work"/capjit-*.tgz
npx capjit run spawn --quiet | tail -n 1
bytes=$(du -sb node_modules/capjit | cut -f1)
echo "package: $bytes bytes unpacked"
[ "$bytes" -lt 10000000 ]
cat > use.mjs <<'JS'
import { createCpu } from "capjit";

const cpu = createCpu({});
cpu.map(0x400000n, 4096, "rx");
cpu.write(0x400000n, Uint8Array.of(0xb8, 42, 0, 0, 0, 0x0f, 0x05)); // mov eax, 42; syscall
cpu.set("rip", 0x400000n);
const exit = cpu.run({});
if (exit.kind !== "syscall" || cpu.get("rax") !== 42n) throw new Error(`unexpected: ${exit.kind}`);
console.log("package: createCpu runs a program");
JS
node use.mjs
