# What the command-line tests share: a scratch home and workspace, and bd on PATH.

scratch_setup() {
    BD=${BD_BINARY:-$BATS_TEST_DIRNAME/../../build/bd}
    SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/bd-cli-XXXXXX")
    mkdir -p "$SCRATCH/home" "$SCRATCH/ws" "$SCRATCH/bin"
    ln -s "$(realpath "$BD")" "$SCRATCH/bin/bd"
    shared=${BD_SHARED:+$(realpath "$BD_SHARED")}
    unset $(env | sed -n 's/^\(BEADS_[A-Z_]*\|BD_[A-Z_]*\|GIT_[A-Z_]*\|XDG_[A-Z_]*\)=.*/\1/p')
    export BD_SHARED=$shared HOME=$SCRATCH/home PATH=$SCRATCH/bin:/usr/bin:/bin USER=tester TZ=UTC LANG=C.UTF-8 NO_COLOR=1
    git config --global user.name "Test User"
    git config --global user.email test@example.com
    git config --global init.defaultBranch main
    cd "$SCRATCH/ws"
}

scratch_teardown() {
    cd /
    rm -rf "$SCRATCH"
}

# A git repository with a workspace of prefix t.
workspace() {
    git init -q .
    bd init --quiet --prefix "${1:-t}" --skip-hooks --skip-agents --non-interactive </dev/null
}

# Where the files of its database are: $db, $noms, $journal.
store() {
    db=$PWD/.beads/embeddeddolt/t
    noms=$db/.dolt/noms
    journal=$noms/vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv
    [ -d "$noms" ]
}

# The value at a path of a JSON text on standard input: json_get a.b.0
json_get() {
    python3 -c 'import json,sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."):
    v = v[int(k)] if isinstance(v, list) else v[k]
print(v if isinstance(v, str) else json.dumps(v))' "$1"
}

# Standard output and standard error apart: $out, $err, $status.
apart() {
    status=0
    "$@" >"$SCRATCH/out" 2>"$SCRATCH/err" </dev/null || status=$?
    out=$(cat "$SCRATCH/out")
    err=$(cat "$SCRATCH/err")
}
