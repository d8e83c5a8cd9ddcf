#!/usr/bin/env bash
# Builds every guest program into out/. The same sources and tool versions give the same bytes in any folder.
#   build.sh           builds out/ with its SHA256SUMS and TOOLCHAIN, and NOTICE.md
#   build.sh --check   builds into a temporary folder and compares with what is checked in
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"

rust_programs=(hello smoke child spawn memoryobject-parent memoryobject-child ipc-producer ipc-consumer threads
    storage faults quotas ipc attack boot)
c_programs=(integer sse-integer)
assembly_programs=(spin wait wild ud)
# image.S without a defect is "tiny", and with one of these defects "bad-<defect>".
defects=(magic class machine type offset filesz wx unreadable overlap entry kernel null stack ring)

toolchain() {
    rustc --version
    gcc --version | head -n 1
    ld --version | head -n 1
}

check=
out=$here/out
if [ "${1-}" = --check ]; then
    check=yes
    if ! toolchain | cmp -s - out/TOOLCHAIN; then
        echo "guests: not compared, the checked-in programs were built with other tools:"
        toolchain | diff - out/TOOLCHAIN | sed 's/^/  /' || true
        exit 0
    fi
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    export CARGO_TARGET_DIR=$scratch/target
    out=$scratch/out
elif [ $# -gt 0 ]; then
    echo "usage: build.sh [--check]" >&2
    exit 2
fi
target=${CARGO_TARGET_DIR:-$here/target}

# Panic messages hold source paths. RUSTFLAGS would replace the flags of .cargo/config.toml, --config adds to them.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
cargo_home=${CARGO_HOME:-$HOME/.cargo}
commit=$(rustc -vV | sed -n 's/^commit-hash: //p')
cargo fetch --locked --quiet
remap="\"--remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$commit\""
for pair in "$here=/guests" "$target=/target"; do
    remap+=",\"--remap-path-prefix=$pair\""
done
# The folder of a registry is named after it, and a mirror has another name.
for registry in "$cargo_home"/registry/src/*; do
    remap+=",\"--remap-path-prefix=$registry=/cargo\""
done
cargo build --release --locked --jobs "${JOBS:-2}" --config "build.rustflags=[$remap]"
rm -rf "$out"
mkdir -p "$out"
for program in "${rust_programs[@]}"; do
    cp "$target/x86_64-unknown-linux-gnu/release/$program" "$out/$program.elf"
done

cd freestanding
link_flags=(-nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -s)
c_flags=(-O2 -std=gnu11 -Wall -Wextra -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none
    -fno-asynchronous-unwind-tables -march=x86-64 -mtune=generic -mno-red-zone)
for program in "${c_programs[@]}"; do
    gcc "${c_flags[@]}" "${link_flags[@]}" -Wl,-T,program.ld -o "$out/$program.elf" "$program.c"
done
for program in "${assembly_programs[@]}"; do
    gcc "${link_flags[@]}" -Wl,-T,text.ld -o "$out/$program.elf" "$program.S"
done
image() {
    local object=$out/$1.o
    shift
    gcc -c -o "$object" "$@" image.S
    objcopy -O binary -j .image "$object" "${object%.o}.elf"
    rm "$object"
}
image tiny
head -c 150 "$out/tiny.elf" > "$out/bad-truncated.elf" # inside the program headers
for defect in "${defects[@]}"; do
    image "bad-$defect" "-DBAD_${defect^^}"
done
cd "$here"

chmod 644 "$out"/*.elf
if grep -l -a -F -e "$here" -e "$target" -e "$cargo_home" -e "${HOME:-/root}/" -e /home/ -- "$out"/*.elf; then
    echo "guests: the programs above contain paths of this machine" >&2
    exit 1
fi
toolchain > "$out/TOOLCHAIN"
./notice.sh > "$out/../NOTICE.md"
(cd "$out" && sha256sum -- *.elf > SHA256SUMS)

if [ -n "$check" ]; then
    if ! diff -r "$out" "$here/out" || ! diff "$scratch/NOTICE.md" "$here/NOTICE.md"; then
        echo "guests: what is checked in is not what the sources give; run guests/build.sh" >&2
        exit 1
    fi
    echo "guests: out/ is what the sources give"
fi
