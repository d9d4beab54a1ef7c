# Turns the files schema/migrations/*.sql, given in order, into C: one string per file and a table of them.
# A name is [ignored_|town_]NNNN_words.sql.

function flush_file() {
    if (open) print "    ;"
    open = 0
}

BEGIN {
    print "/* Made from schema/migrations/ by tools/embed_sql.awk; do not edit. */"
    print "#include \"schema/migrations.h\"\n"
}

FNR == 1 {
    flush_file()
    name = FILENAME
    sub(/^.*\//, "", name)
    sub(/\.sql$/, "", name)
    set = "MIGRATION_MAIN"
    if (sub(/^ignored_/, "", name)) set = "MIGRATION_IGNORED"
    else if (sub(/^town_/, "", name)) set = "MIGRATION_TOWN"
    if (name !~ /^[0-9][0-9][0-9][0-9]_[a-z0-9_]+$/) {
        print FILENAME ": not named NNNN_words.sql" > "/dev/stderr"
        failed = 1
        exit 1
    }
    number = substr(name, 1, 4) + 0
    key = set SUBSEP number
    if (key in seen) {
        print FILENAME ": number " number " is taken by " seen[key] > "/dev/stderr"
        failed = 1
        exit 1
    }
    seen[key] = FILENAME
    n++
    entry[n] = sprintf("    {%s, %d, \"%s\", sql_%d, sizeof sql_%d - 1},", set, number, substr(name, 6), n, n)
    printf "static const char sql_%d[] =\n", n
    open = 1
}

{
    line = $0
    gsub(/\\/, "\\\\", line)
    gsub(/"/, "\\\"", line)
    gsub(/\t/, "\\t", line)
    print "    \"" line "\\n\""
}

END {
    if (failed) exit 1
    flush_file()
    print "\nconst struct migration schema_migration_files[] = {"
    for (i = 1; i <= n; i++) print entry[i]
    print "};"
    print "const size_t schema_migration_count = sizeof schema_migration_files / sizeof *schema_migration_files;"
}
