#!/usr/bin/env bash
# Builds the compute programs. Each is compiled once; the same object is linked for capOS and for Linux.
#   build.sh                 guest programs into out/, with SHA256SUMS and TOOLCHAIN; both are checked in
#   build.sh --check         builds them into a temporary folder and compares with what is checked in
#   build.sh --native DIR    Linux programs into DIR, for comparison with the processor itself
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"

toolchain() {
    gcc --version | head -n 1
    ld --version | head -n 1
}

mode=${1:-guest}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
case $mode in
guest) out=$PWD/out ;;
--check)
    if ! toolchain | cmp -s - out/TOOLCHAIN; then
        echo "bench: not compared, the checked-in programs were built with other tools"
        exit 0
    fi
    out=$scratch/out
    ;;
--native)
    out=${2:?usage: build.sh --native DIR}
    mkdir -p "$out"
    out=$(cd "$out" && pwd)
    ;;
*)
    echo "usage: build.sh [--check | --native DIR]" >&2
    exit 2
    ;;
esac

c_flags=(-O2 -std=gnu11 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none
    -fno-asynchronous-unwind-tables -fno-math-errno -ffp-contract=off -march=x86-64 -mtune=generic -mno-avx)
link_flags=(-nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack)
layout=../../guests/freestanding/program.ld
compile() { gcc "${c_flags[@]}" -c -o "$scratch/$1.o" "${@:2}"; }
link() {
    local output=$1 platform=$2 program=$3
    gcc "${link_flags[@]}" "${@:4}" -o "$output" "$scratch/$platform.o" "$scratch/rounds.o" "$scratch/$program.o" \
        "$scratch/memory.o"
}

for part in rounds native guest; do
    compile "$part" "platform/$part.c"
done
compile memory -fno-tree-loop-distribute-patterns platform/memory.c
[ "$mode" = --native ] || rm -rf "$out"
mkdir -p "$out"
for source in *.c; do
    program=${source%.c}
    compile "$program" "$source"
    if [ "$mode" = --native ]; then
        link "$out/$program" native "$program"
    else
        link "$out/$program.elf" guest "$program" -Wl,-T,"$layout"
    fi
done
[ "$mode" = --native ] && exit 0

compile kernel-calls kernel/kernel-calls.c
gcc "${link_flags[@]}" -Wl,-T,"$layout" -o "$out/kernel-calls.elf" "$scratch/kernel-calls.o" "$scratch/memory.o"

chmod 644 "$out"/*.elf
toolchain > "$out/TOOLCHAIN"
(cd "$out" && sha256sum -- *.elf > SHA256SUMS)
if [ "$mode" = --check ]; then
    if ! diff -r "$out" out; then
        echo "bench: what is checked in is not what the sources give; run bench/guests/build.sh" >&2
        exit 1
    fi
    echo "bench: out/ is what the sources give"
fi
