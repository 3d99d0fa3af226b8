#!/bin/sh
# Does the kernel link without any one file of kern/ext?  "make lint" asks.
# Usage: extcheck.sh BUILD LINKER FLAGS...   (objects are in BUILD/k)
set -u
build=$1
shift
bad=0
for file in $(find kern/ext -name '*.c' | sort); do
    # shellcheck disable=SC2046 # one word per object is meant
    if ! "$@" -o "$build/without.elf" \
        $(tr ' ' '\n' <"$build/kernel.list" | grep -vx "$build/k/$file.o") \
        >"$build/without.log" 2>&1; then
        echo "without $file: $(grep -o 'undefined reference to .*' "$build/without.log" | sort -u | head -n 3 | tr '\n' ' ')"
        bad=1
    fi
done
rm -f "$build/without.elf" "$build/without.log"
exit $bad
