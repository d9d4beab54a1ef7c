#!/bin/sh
# Installs the packages the build and the tests need (Debian), or names them (elsewhere).
set -eu

packages="gcc make bats git python3 python3-snappy python3-zstandard sqlite3 zstd \
libcmocka-dev libcjson-dev libyaml-dev libzstd-dev libssl-dev libsqlite3-dev \
libxxhash-dev"

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "bd: this system has no apt; please see to it that the counterparts of these Debian packages"
    echo "bd: are installed: $packages"
    exit 0
fi

# `deps.sh all` adds what only `make fuzz`, `lint`, `format` and `coverage` use.
[ "${1:-}" != all ] || packages="$packages clang clang-format clang-tidy cppcheck lcov valgrind"

missing=""
for package in $packages; do
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then as_root=""; else as_root="sudo"; fi
echo "bd: installing missing packages:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
