#!/usr/bin/env bats
# bd setup, and what bd init tells coding agents: what is not bd's stays as it was.

load common
setup() { scratch_setup; }
teardown() { scratch_teardown; }

init() {
    git init -q .
    bd init --quiet --prefix t --skip-hooks --non-interactive "$@" </dev/null
}

@test "init writes the files of agents and commits them" {
    init
    for f in AGENTS.md CLAUDE.md .claude/settings.json .codex/config.toml .codex/hooks.json \
        .agents/skills/beads/SKILL.md .agents/skills/beads/agents/openai.yaml; do
        git show "HEAD:$f" >/dev/null
    done
    grep -q '^<!-- BEGIN BEADS INTEGRATION v:1 profile:minimal hash:[0-9a-f]\{8\} -->$' AGENTS.md
    [ "$(json_get hooks.SessionStart.0.hooks.0.command <.claude/settings.json)" = "bd prime --hook-json" ]
    [ "$(json_get hooks.PreCompact.0.hooks.0.command <.codex/hooks.json)" = "bd codex-hook PreCompact" ]
    bd setup claude --check
    bd setup codex --check
}

@test "stealth and --skip-agents write none" {
    git init -q .
    bd init --quiet --prefix t --stealth --non-interactive </dev/null
    [ "$(ls -A)" = ".beads
.git
.gitignore" ]
    [ "$(git config core.hooksPath)" = "" ]
    grep -qx '.beads/' .git/info/exclude
}

@test "files that were there keep their text around the section" {
    printf '# Mine\n\nwords' >AGENTS.md
    printf '# Claude\n\n<!-- BEGIN BEADS INTEGRATION -->\nold\n<!-- END BEADS INTEGRATION -->\nend\n' >CLAUDE.md
    mkdir .claude .codex
    cat >.claude/settings.json <<'END'
{"permissions": {"allow": ["Bash"]}, "hooks": {"PreCompact": [{"matcher": "", "hooks": [{"type": "command", "command": "bd prime"}, {"type": "command", "command": "mine"}]}], "SessionStart": [{"matcher": "", "hooks": [{"type": "command", "command": "bd prime"}]}]}}
END
    printf 'model = "x"\n[features]\ncodex_hooks = true\nother = 1\n[z]\nhooks = 5\n' >.codex/config.toml
    init
    [ "$(head -3 AGENTS.md)" = "# Mine

words" ]
    [ "$(head -1 CLAUDE.md)" = "# Claude" ]
    [ "$(tail -1 CLAUDE.md)" = end ]
    ! grep -qx old CLAUDE.md
    grep -q profile:full CLAUDE.md # an old section held everything, so it is not made smaller
    [ "$(json_get permissions.allow.0 <.claude/settings.json)" = Bash ]
    [ "$(json_get hooks.PreCompact <.claude/settings.json)" = '[{"matcher": "", "hooks": [{"type": "command", "command": "mine"}]}]' ]
    [ "$(json_get hooks.SessionStart <.claude/settings.json)" = '[{"matcher": "", "hooks": [{"type": "command", "command": "bd prime --hook-json"}]}]' ]
    [ "$(cat .codex/config.toml)" = 'model = "x"
[features]
hooks = true
other = 1
[z]
hooks = 5' ]
}

@test "installing twice changes nothing; removing leaves what was there before" {
    workspace
    printf '{"a": 1}\n' >mine.json
    mkdir .claude && cp mine.json .claude/settings.json
    echo "# Claude" >CLAUDE.md
    for r in claude codex cursor factory junie copilot aider gemini windsurf; do
        bd setup $r
        bd setup $r --check
        find . -path ./.git -prune -o -path ./.beads -prune -o -type f -print0 | xargs -0 cat >"$SCRATCH/one"
        bd setup $r
        find . -path ./.git -prune -o -path ./.beads -prune -o -type f -print0 | xargs -0 cat >"$SCRATCH/two"
        cmp "$SCRATCH/one" "$SCRATCH/two"
        bd setup $r --remove
        run bd setup $r --check
        [ "$status" -eq 1 ]
    done
    [ "$(json_get a <.claude/settings.json)" = 1 ]
    [ "$(head -1 CLAUDE.md)" = "# Claude" ]
    ! grep -rq "bd prime\|codex-hook" .claude .codex CLAUDE.md 2>/dev/null
    [ ! -e .cursor ]
    [ ! -e .agents ]
}

@test "broken settings and half a section are refused, and nothing is written" {
    workspace
    mkdir .claude && echo '{ not json' >.claude/settings.json
    apart bd setup claude
    [ "$status" -eq 1 ]
    [[ $err == *"settings.json"*"repair it by hand"* ]]
    [ "$(cat .claude/settings.json)" = '{ not json' ]
    printf '<!-- BEGIN BEADS INTEGRATION -->\nhalf\n' >AGENTS.md
    apart bd setup factory
    [ "$status" -eq 1 ]
    [ "$(cat AGENTS.md)" = '<!-- BEGIN BEADS INTEGRATION -->
half' ]
}

@test "a symbolic link is not followed, a file of the same name is set aside" {
    workspace
    echo target >real.md && ln -s real.md AGENTS.md
    apart bd setup factory
    [[ $err == *"symbolic link"* ]]
    [ "$(cat real.md)" = target ]
    echo "read: [x]" >.aider.conf.yml
    bd setup aider
    [ "$(cat .aider.conf.yml.orig)" = "read: [x]" ]
}

@test "templates, profiles and another file name" {
    printf '# Ours\n\nOwn words.\n' >"$SCRATCH/template.md"
    init --agents-template "$SCRATCH/template.md" --agents-file BD.md
    [ "$(cat BD.md)" = "$(cat "$SCRATCH/template.md")" ]
    grep -q '^agents.file: .*BD.md' .beads/config.yaml
    git show HEAD:BD.md >/dev/null
    mkdir ../two && cd ../two
    init --agents-profile full
    grep -q profile:full AGENTS.md
    apart bd init --agents-file ../x.md --prefix y --non-interactive
    [ "$status" -eq 1 ]
    [[ $err == *"simple filename"* ]]
}

@test "recipes of the workspace" {
    workspace
    bd setup --add mine .mine/rules.md
    [[ "$(bd setup --list)" == *"mine "*"(user)"* ]]
    bd setup mine
    grep -q 'bd ready' .mine/rules.md
    bd setup mine --check
    bd setup mine --remove
    [ ! -e .mine ]
    run bd setup --add claude x.md
    [ "$status" -eq 1 ]
    apart bd setup nonsense
    [ "$err" = "Error: unknown recipe: nonsense
Hint: Use 'bd setup --list' to see available recipes." ]
}

@test "--global works below home" {
    workspace
    bd setup codex --global
    [ -f "$HOME/.agents/skills/beads/SKILL.md" ]
    [ -f "$HOME/.codex/AGENTS.md" ]
    [ ! -e .codex ]
    CODEX_HOME=$SCRATCH/ch bd setup codex --global
    [ -f "$SCRATCH/ch/hooks.json" ]
}
