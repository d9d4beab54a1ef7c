#!/bin/sh
# The trees, schemas and rows of real databases: unpacks every archive of the shared data into a scratch
# folder and rebuilds what is in it; then the golden trees by rule. Exit status 1: an address differs from Dolt's.
# usage: tests/interop/run.sh BUILD-FOLDER   (BD_SHARED names the shared data; without it: skipped)
set -eu
build=$1
if [ ! -f "${BD_SHARED:-}/data/golden/expected.json" ]; then
    echo "skipped: BD_SHARED does not name the folder with data/golden/expected.json"
    exit 0
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/bd-interop.XXXXXX")
trap 'rm -rf "$scratch"' EXIT INT TERM
for archive in "$BD_SHARED"/data/dolt-*.tar.zst "$BD_SHARED"/data/golden/*.tar.zst; do
    case $archive in
    */dolt-damaged-*) continue ;; # table files are missing: nothing to rebuild
    esac
    tar --zstd -xf "$archive" -C "$scratch"
done
status=0
find "$scratch" -name manifest ! -path '*/oldgen/*' | sed 's|/manifest$||; s|/.dolt/noms$||' | sort >"$scratch/list"
xargs "$build/tests/interop/rebuild_trees" <"$scratch/list" || status=1
xargs "$build/tests/interop/rebuild_rows" <"$scratch/list" || status=1
"$build/tests/interop/golden_trees" || status=1
python3 "$(dirname "$0")/jsonl_roundtrip.py" "$build/bd" || status=1
python3 "$(dirname "$0")/corpus.py" --bd "$build/bd" || status=1
python3 "$(dirname "$0")/legacy_sqlite.py" --full --bd "$build/bd" || status=1
python3 "$(dirname "$0")/gc.py" --collect "$build/tests/interop/collect" --bd "$build/bd" || status=1
python3 "$(dirname "$0")/turns.py" --bd "$build/bd" || status=1
python3 "$(dirname "$0")/backup.py" --bd "$build/bd" || status=1
if [ -f "$BD_SHARED/tools/doltref.py" ]; then
    python3 "$(dirname "$0")/fsck_verdicts.py" --bd "$build/bd" --shared "$BD_SHARED" || status=1
fi
exit $status
