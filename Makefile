# bd: build, test and install. `make help` lists the targets.

BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= cc
OPT     ?= -O2
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
CFLAGS  ?=
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -DOPENSSL_SUPPRESS_DEPRECATED -I. $(OPT) -g $(WARN) \
              -ffunction-sections -fdata-sections -fno-omit-frame-pointer $(CFLAGS)

# Third-party archives are linked statically, libc and cJSON dynamically (docs/dependencies.md).
STATIC_LIBS  := -lzstd -lsnappy -lcrypto -lsqlite3 -lyaml
ALL_LDFLAGS  := -Wl,--gc-sections $(LDFLAGS)
ALL_LIBS     := -Wl,-Bstatic $(STATIC_LIBS) -lstdc++ -Wl,-Bdynamic -lcjson -lm -lpthread -ldl

ROOMS   := base store/chunk store/prolly store/value store/db store/sql store/remote schema \
           bd/ops bd/ui bd/workspace bd/cmd migrate doctor server
SOURCES := $(sort $(foreach room,$(ROOMS),$(wildcard $(room)/*.c)))
OBJ     := $(BUILD)/obj
OBJECTS := $(SOURCES:%.c=$(OBJ)/%.o)
LIBRARY := $(BUILD)/libbd.a

UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
UNIT_TESTS   := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/tests/%)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

all: $(BUILD)/.deps $(BUILD)/bd $(BUILD)/dolt $(BUILD)/gt

$(BUILD)/bd: $(OBJ)/bd/main.o $(LIBRARY)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/dolt $(BUILD)/gt: | $(BUILD)/bd
	@ln -sf bd $@

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(OBJ)/%.o: %.c | $(BUILD)/.deps
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(LIBRARY) -lcmocka $(ALL_LIBS)

unit: $(UNIT_TESTS)
	@set -e; for t in $(UNIT_TESTS); do $$t; done

-include $(OBJECTS:.o=.d) $(OBJ)/bd/main.d $(UNIT_TESTS:%=%.d)

# What a fresh Debian machine lacks is installed once; elsewhere the missing packages are named.
$(BUILD)/.deps: tools/deps.sh
	@mkdir -p $(BUILD)
	@sh tools/deps.sh
	@touch $@

deps:
	@mkdir -p $(BUILD)
	@sh tools/deps.sh && touch $(BUILD)/.deps

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BUILD)/bd $(DESTDIR)$(PREFIX)/bin/bd

clean:
	rm -rf $(BUILD)

.PHONY: all unit deps install clean
