# bd: build, test and install. `make help` lists the targets.

BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= cc
HOSTCC  ?= cc
OPT     ?= -O2
DEBUG   ?=
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
CFLAGS  ?=
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -DOPENSSL_SUPPRESS_DEPRECATED -I. $(OPT) $(DEBUG) $(WARN) \
              -ffunction-sections -fdata-sections -fno-pie -fno-omit-frame-pointer $(CFLAGS)

# Third-party archives are linked statically, and libc too where an archive of it works: the dynamic loader
# would take more time than most commands (docs/dependencies.md). Sanitizers need the loader.
THIRD_PARTY  := -lsqlite3 -lzstd -lcrypto -lyaml
STATIC       ?= $(if $(findstring sanitize,$(LDFLAGS)),,$(shell printf 'int main(void) { return 0; }' | \
                  $(CC) -static -no-pie -x c -o /dev/null - 2>/dev/null && echo yes))
STATIC       := $(STATIC)
# The start of the C library without its questions about caches (base/start.c); empty: as it is.
QUICK_START  ?= $(STATIC)
# Not position-independent: start-up then has next to nothing to relocate.
ALL_LDFLAGS := -static-libgcc -no-pie -Wl,--gc-sections $(LDFLAGS)
ALL_LIBS    := -Wl,-Bstatic $(THIRD_PARTY) -Wl,-Bdynamic -Wl,--as-needed -lm -lpthread -ldl
comma       := ,
NO_DLOPEN   := -Wl,--wrap=dlopen,--wrap=dlsym,--wrap=dlclose,--wrap=dlerror
# libcrypto looks at the processor when something is hashed, not at every start (base/crypto.h).
WRAP_CRYPTO := -Wl,--wrap=OPENSSL_cpuid_setup
LATE_CRYPTO := $(if $(STATIC),$(shell printf 'void __real_OPENSSL_cpuid_setup(void); \
                  void __wrap_OPENSSL_cpuid_setup(void) {} int main(void) { \
                  __real_OPENSSL_cpuid_setup(); return 0; }' | \
                  $(CC) -static -no-pie -x c -o /dev/null - $(WRAP_CRYPTO) -lcrypto 2>/dev/null && echo yes))
BD_LDFLAGS  := $(if $(STATIC),-static $(NO_DLOPEN) $(if $(QUICK_START),-Wl$(comma)--undefined=start_cache_size)) $(if $(LATE_CRYPTO),$(WRAP_CRYPTO)) $(if $(STATIC),$(filter-out -no-pie,$(ALL_LDFLAGS)),$(ALL_LDFLAGS))
BD_LIBS     := $(if $(STATIC),$(THIRD_PARTY) -lm -lpthread -ldl,$(ALL_LIBS))

ROOMS   := base store/chunk store/prolly store/value store/db store/sql store/remote schema \
           bd/ops bd/ui bd/workspace bd/cmd migrate doctor
SOURCES := $(sort $(foreach room,$(ROOMS),$(wildcard $(room)/*.c)))
OBJ     := $(BUILD)/obj
MIGRATIONS := $(sort $(wildcard schema/migrations/*.sql))
OBJECTS := $(SOURCES:%.c=$(OBJ)/%.o) $(OBJ)/migrations.o
LIBRARY := $(BUILD)/libbd.a

UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
UNIT_TESTS   := $(UNIT_SOURCES:tests/%.c=$(BUILD)/tests/%)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/.deps $(BUILD)/bd $(BUILD)/dolt $(BUILD)/gt

$(BUILD)/bd: $(OBJ)/bd/main.o $(LIBRARY) $(if $(QUICK_START),$(BUILD)/start_patch)
	$(CC) $(ALL_CFLAGS) $(BD_LDFLAGS) -o $@ $(OBJ)/bd/main.o $(LIBRARY) $(BD_LIBS)
	$(if $(QUICK_START),$(BUILD)/start_patch $@)

# The C library's questions about caches are most of the time of a small command (base/start.c).
$(BUILD)/start_patch: tools/start_patch.c
	@mkdir -p $(@D)
	$(HOSTCC) -std=c11 -O1 $(WARN) -o $@ $<

$(BUILD)/dolt $(BUILD)/gt: | $(BUILD)/bd
	@ln -sf bd $@

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(OBJ)/bd/main.o: ALL_CFLAGS += $(if $(LATE_CRYPTO),-DBD_LATE_CRYPTO)

$(OBJ)/%.o: %.c | $(BUILD)/.deps
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The migration files become string constants. The folder is a prerequisite for files that go away.
$(BUILD)/migrations.c: tools/embed_sql.awk schema/migrations $(MIGRATIONS)
	@mkdir -p $(@D)
	LC_ALL=C awk -f tools/embed_sql.awk $(MIGRATIONS) > $@.tmp && mv $@.tmp $@

$(OBJ)/migrations.o: $(BUILD)/migrations.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# --- tests -------------------------------------------------------------------------------------------

# Files handed down with the project (real databases, golden hashes); tests say what they skip without it.
BD_SHARED ?= $(firstword $(wildcard ../shared))
export BD_SHARED
export BD_BINARY := $(abspath $(BUILD)/bd)

FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_NAMES   := $(FUZZ_SOURCES:tests/fuzz/%.c=%)
FUZZ_TIME    ?= 60
CONCURRENCY  := $(sort $(wildcard tests/concurrency/*.py))
PROGRAM_SOURCES := $(sort $(wildcard tests/crash/*.c tests/concurrency/*.c tests/interop/*.c tests/bench/*.c))
PROGRAMS     := $(PROGRAM_SOURCES:tests/%.c=$(BUILD)/tests/%)

RUN_TESTS := python3 tests/run_tests.py

# The unit tests alone.
unit: $(UNIT_TESTS)
	@$(RUN_TESTS) $(UNIT_TESTS)

# Everything that belongs to a change: unit tests, CLI tests, a short run of every fuzz target, of many writers.
test: all $(UNIT_TESTS) fuzz-smoke-build
	@$(RUN_TESTS) --bats tests/cli $(UNIT_TESTS) $(CONCURRENCY) tests/interop/legacy_sqlite.py $(FUZZ_NAMES:%=$(BUILD)/fuzz-smoke/%.sh)

fuzz-smoke-build: $(FUZZ_NAMES:%=$(BUILD)/fuzz-smoke/%.sh)

$(BUILD)/fuzz-smoke/%.sh: $(BUILD)/tests/fuzz/%
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec %s -n 5000 tests/fuzz/corpus/%s\n' $< $* >$@ && chmod +x $@

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/driver.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes $(ALL_LDFLAGS) -o $@ $< tests/fuzz/driver.c $(LIBRARY) $(ALL_LIBS)

# The programs of tests/crash, interop and bench.
programs: $(PROGRAMS)

# 50 processes write, 64 claim one issue a hundred times, 200 writers are killed (tests/concurrency).
check-concurrency: all
	@for t in $(CONCURRENCY); do python3 $$t --full || exit 1; done

CRASH_SEEDS ?= 2000

# Thousands of power cuts, kills and disk errors (tests/crash); CRASH_SEEDS disks for each program.
check-crash: $(filter $(BUILD)/tests/crash/%,$(PROGRAMS))
	@for t in $^; do echo $$t; $$t $(CRASH_SEEDS) || exit 1; done

# A simulated day of 92,160 commits with automatic collection: never more than twice the live size and 64 MB.
check-day: $(BUILD)/tests/bench/gc_day
	@$< $(DAY_COMMITS)

# Every tree of the shared databases built again, and the golden trees by rule: the addresses must be Dolt's.
interop: all $(filter $(BUILD)/tests/interop/%,$(PROGRAMS))
	@sh tests/interop/run.sh $(BUILD)

# The same tests under AddressSanitizer and UndefinedBehaviorSanitizer.
check-asan:
	$(MAKE) BUILD=build/asan OPT=-O1 DEBUG=-g CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined" \
	    LDFLAGS="-fsanitize=address,undefined" test

# Coverage-guided fuzzing, FUZZ_TIME seconds for each target (needs clang).
fuzz: $(BUILD)/.deps
	@command -v clang >/dev/null || { echo "bd: install clang to fuzz"; exit 1; }
	$(MAKE) BUILD=build/fuzz CC=clang OPT=-O1 DEBUG=-g CFLAGS="-fsanitize=fuzzer-no-link,address,undefined" \
	    LDFLAGS="-fsanitize=address,undefined" fuzz-targets
	@for t in $(FUZZ_NAMES); do \
	    mkdir -p build/fuzz/corpus/$$t; \
	    build/fuzz/fuzz/$$t -max_total_time=$(FUZZ_TIME) -artifact_prefix=build/fuzz/$$t- \
	        build/fuzz/corpus/$$t $$(test -d tests/fuzz/corpus/$$t && echo tests/fuzz/corpus/$$t) || exit 1; \
	done

fuzz-targets: $(FUZZ_NAMES:%=$(BUILD)/fuzz/%)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer $(ALL_LDFLAGS) -o $@ $< $(LIBRARY) $(ALL_LIBS)

$(BUILD)/tests/%: tests/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(LIBRARY) -lcmocka -lcjson $(ALL_LIBS)

# --- care --------------------------------------------------------------------------------------------

C_FILES = $(shell git ls-files '*.c' '*.h')

# Every C file in the one format (.clang-format).
format:
	clang-format -i $(C_FILES)

# What this version of cppcheck gets wrong: it takes `if (rc != BD_OK) return rc;` for no guard. Sanitizers and
# valgrind watch what that concerns.
CPPCHECK_OFF := missingIncludeSystem preprocessorErrorDirective autoVariables varFuncNullUB nullPointer \
                uninitvar legacyUninitvar uninitStructMember ctuuninitvar ctunullpointer

# What cppcheck and clang-tidy (.clang-tidy) find: nothing, or it fails.
lint: $(BUILD)/.deps
	cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -I. \
	    $(CPPCHECK_OFF:%=--suppress=%) $(SOURCES) bd/main.c
	clang-tidy --quiet $(SOURCES) -- -std=c11 -D_GNU_SOURCE -DOPENSSL_SUPPRESS_DEPRECATED -I.

# Which lines the tests reach, as HTML.
coverage:
	$(MAKE) BUILD=build/coverage OPT=-O0 DEBUG=-g CFLAGS=--coverage LDFLAGS=--coverage test
	lcov --quiet --capture --directory build/coverage --output-file build/coverage/all.info
	lcov --quiet --extract build/coverage/all.info "$(CURDIR)/*" --output-file build/coverage/bd.info
	genhtml --quiet build/coverage/bd.info --output-directory build/coverage/html
	@echo "build/coverage/html/index.html"

# Times side by side, in one run: bd, the SQLite shell on the same data, a bare append with fdatasync.
bench: all programs
	python3 tests/bench/bench.py --bd $(BUILD)/bd --append $(BUILD)/tests/bench/append --grow $(BUILD)/tests/bench/grow

# The main job in a scratch workspace, from a fresh checkout.
demo: all
	@sh tools/demo.sh $(abspath $(BUILD)/bd)

-include $(OBJECTS:.o=.d) $(OBJ)/bd/main.d $(UNIT_TESTS:%=%.d) $(PROGRAMS:%=%.d)

# What a fresh Debian machine lacks is installed once; elsewhere the missing packages are named.
$(BUILD)/.deps: tools/deps.sh
	@mkdir -p $(BUILD)
	@sh tools/deps.sh
	@touch $@

# Installs the packages for building and testing, and those that only fuzz, lint, format and coverage use.
deps:
	@mkdir -p $(BUILD)
	@sh tools/deps.sh all && touch $(BUILD)/.deps

# Copies the executable and its manual page below PREFIX.
install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BUILD)/bd $(DESTDIR)$(PREFIX)/bin/bd
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 docs/bd.1 $(DESTDIR)$(PREFIX)/share/man/man1/bd.1

# Removes everything that was built.
clean:
	rm -rf $(BUILD)

.PHONY: all unit test programs interop check-concurrency check-crash check-day fuzz-smoke-build check-asan fuzz \
        fuzz-targets format lint coverage bench demo deps install clean help

# This list.
help:
	@awk '/^#/ { text = text ? text " " substr($$0, 3) : substr($$0, 3); next } \
	      /^[a-z][a-z-]*:/ && text { sub(/:.*/, ""); printf "%-18s %s\n", $$0, text } { text = "" }' Makefile
