#!/usr/bin/env bash
# Prints NOTICE.md: the licences of everything that is linked into the programs, from the crates as cargo has them.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"

crates=$(cargo tree --locked --workspace --edges normal --prefix none --no-dedupe --format '{p}|{l}|{r}' |
    grep -v ' (/' | sed 's/ v\([^ |]*\)/|\1/; s/ (proc-macro)//' | sort -u | sed '/^$/d')
sources=$(dirname "$(find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -maxdepth 2 -type d -name 'capos-rt-0.1.0' | head -n 1)")

cat <<'TEXT'
# Notices for the guest programs

The programs in `out/` are our own (MIT OR Apache-2.0, like all of capjit) and contain code of these crates:

| crate | version | licence | source |
| --- | --- | --- | --- |
TEXT
while IFS='|' read -r name version licence repository; do
    echo "| $name | $version | $licence | $repository |"
done <<<"$crates"
cat <<'TEXT'

and of the Rust libraries core, alloc and compiler_builtins (MIT OR Apache-2.0, parts of compiler_builtins
Apache-2.0 WITH LLVM-exception; <https://github.com/rust-lang/rust>).

Where there is a choice, a crate that brings an MIT text is used under that, with its notice below. The crates of capOS
bring no text; they and the Rust libraries are used under Apache-2.0, which is at the end.
TEXT

declare -A texts users
order=()
while IFS='|' read -r name version _ _; do
    for file in LICENSE-MIT LICENSE; do
        path=$sources/$name-$version/$file
        [ -f "$path" ] || continue
        key=$(tr -d '\r' <"$path" | sha256sum)
        if [ -z "${texts[$key]-}" ]; then
            texts[$key]=$path
            order+=("$key")
        fi
        users[$key]="${users[$key]-}${users[$key]:+, }$name $version"
        break
    done
done <<<"$crates"

for key in "${order[@]}"; do
    printf '\n## %s\n\n```text\n' "${users[$key]}"
    tr -d '\r' <"${texts[$key]}" | sed -e 's/[[:space:]]*$//'
    printf '```\n'
done

printf '\n## Apache License, Version 2.0\n\n```text\n'
tr -d '\r' <"$(ls -d "$sources"/lock_api-*/LICENSE-APACHE | head -n 1)" | sed -e 's/[[:space:]]*$//'
printf '```\n'
