#!/bin/sh
# A tour of the main job in a scratch workspace: create, list, update, close, history.
set -eu
bd=$1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/bd-demo.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export HOME="$scratch/home" BD_ACTOR=demo NO_COLOR=1
mkdir -p "$HOME" "$scratch/project"
cd "$scratch/project"
git init -q .
git config user.name "Demo"
git config user.email "demo@example.com"

step() {
    printf '\n$ bd %s\n' "$*"
    "$bd" "$@"
}

step init --prefix demo --quiet --skip-hooks --skip-agents --non-interactive
api=$("$bd" create "Design the API" --priority 1 --silent)
login=$("$bd" create "Build the login page" --type feature --silent)
step dep add "$login" "$api"
step list
step ready
step update "$api" --claim
step close "$api" --reason "Agreed with the team"
step ready
step show "$login"
step history "$api"
step vc log --limit 6
step vc diff HEAD~1 HEAD
