#!/usr/bin/env bats
# The start of a static executable: base/start.c answers what the C library would have found out.

root="$BATS_TEST_DIRNAME/../.."

setup() {
    cd "$BATS_TEST_TMPDIR"
    cat >caches.c <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void) {
    for (int name = _SC_LEVEL1_ICACHE_SIZE; name <= _SC_LEVEL3_CACHE_LINESIZE; name++)
        printf("%d %ld\n", name, sysconf(name));
    return 0;
}
C
    cc -std=c11 -D_GNU_SOURCE -O1 -static -no-pie -I"$root" -o plain caches.c "$root/base/start.c" \
        -Wl,--undefined=start_cache_size 2>/dev/null || skip "no static C library here"
    cc -std=c11 -o start_patch "$root/tools/start_patch.c"
}

@test "a patched start knows the same caches" {
    cp plain patched
    ./start_patch patched 2>notes
    [[ ! -s notes ]] || skip "not the C library the patch is for"
    ! cmp -s plain patched
    ./plain >before
    ./patched >after
    diff before after
}

@test "a file that is something else stays as it is" {
    cp plain stripped
    strip stripped
    printf 'no program' >text
    head -c 4000 plain >cut
    for file in stripped text cut; do
        cp $file kept
        ./start_patch $file 2>notes
        grep -q 'keeps the start' notes
        cmp $file kept
    done
    cp plain patched
    ./start_patch patched 2>notes
    if [[ ! -s notes ]]; then # what was patched before is not what is expected
        cp patched once
        ./start_patch patched 2>notes
        cmp patched once
    fi
    run ./start_patch missing
    [[ $status -eq 1 ]]
}
