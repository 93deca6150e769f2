# SPDX-License-Identifier: BSD-3-Clause
#
# How the test programs are built that are more than one file of cases; the
# Makefile includes this.

PAM_DRIVE := $(BUILD)/tests/pam/drive
PAM_DRIVE_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/pam/*.c))

$(PAM_DRIVE_OBJS): $(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(DEFINES) -Itests -MMD -MP -c -o $@ $<

# -rdynamic: the module's pam_syslog() is to find the driver's.
$(PAM_DRIVE): $(PAM_DRIVE_OBJS)
	$(call say,LINK,$@)$(CC) -pie -rdynamic $(ALL_LDFLAGS) -o $@ $^ -lpam -lpthread

-include $(PAM_DRIVE_OBJS:.o=.d)

# These unit tests share the scripts' look at a host, and their world.
UNIT_PAM_OBJS := $(BUILD)/tests/pam/snapshot.o $(BUILD)/tests/pam/world.o
UNIT_PAM := $(BUILD)/tests/unit/probe.t $(BUILD)/tests/unit/membership.t \
	$(BUILD)/tests/unit/membership_named.t

$(UNIT_PAM): $(BUILD)/tests/unit/%.t: tests/unit/%.c $(UNIT_PAM_OBJS) $(LIB) \
		$(BUILD)/flags tests/tap.h
	@mkdir -p $(@D)
	$(call say,TEST,$<)$(CC) $(ALL_CFLAGS) $(DEFINES) -Itests -MMD -MP \
		$(ALL_LDFLAGS) -o $@ $< $(UNIT_PAM_OBJS) $(LIB) $(INIH) -lpthread

# What `make bench-login` and `make bench-tree` run inside their namespaces.
BENCH_LOGIN := $(addprefix $(BUILD)/tests/bench/,harness sink pam_clock.so \
	pam_nothing.so)
BENCH_TREE := $(addprefix $(BUILD)/tests/bench/,plant floor openat2.so)

$(BUILD)/tests/bench/plant: tests/bench/plant_acts.c tests/bench/plant.h
$(BUILD)/tests/bench/harness: tests/system/converse.h

$(BUILD)/tests/bench/%.so: tests/bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(DEFINES) $(ALL_LDFLAGS) -shared \
		-o $@ $< -lpam

$(BUILD)/tests/bench/%: tests/bench/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(DEFINES) $(ALL_LDFLAGS) -pie \
		-o $@ $(filter %.c,$^) -lpam

# Fuzzers are clang's, with a core of their own: `make fuzzers` begins it, and
# the make that it starts in another build folder has these.
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,\
	$(wildcard tests/fuzz/*.c))
FUZZ_SANITIZE := -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(LIB) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)$(CC) $(ALL_CFLAGS) $(DEFINES) -MMD -MP $(ALL_LDFLAGS) \
		-fsanitize=fuzzer -o $@ $(filter %.c %.o,$^) $(FUZZ_WRAPS) $(LIB) \
		$(INIH) -lpthread

# The whole module, on a host that fails where an input says.
$(BUILD)/tests/fuzz/session: $(BUILD)/pam_hfcache/pam_hfcache.o
$(BUILD)/tests/fuzz/session: FUZZ_WRAPS = $(shell sed -n \
	's/^__wrap_\([a-z0-9_]*\).*/-Wl,--wrap=\1/p' tests/fuzz/session_*.h)

fuzzers:
	@$(MAKE) CC=clang BUILD=$(BUILD)/fuzz OPTIMISE="-O1 -g" \
		SANITIZE="$(FUZZ_SANITIZE)" fuzz-programs

fuzz-programs: $(FUZZERS)

.PHONY: fuzzers fuzz-programs

-include $(FUZZERS:=.d)

# The sanitizers' build has a folder of its own, and what is run in it has its
# flags in the environment, too, for what the tests build.  The options are no
# part of what is sanitized; libcrypt is to be there before ASan, which replaces
# crypt() for pam_unix.
SANITIZE_ALL := -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZE_OPTIONS := $(BUILD)/tests/analysis/sanitize.so
SANITIZE_MAKE = $(MAKE) BUILD=$(BUILD)/sanitize SANITIZE="$(SANITIZE_ALL)" \
	OPTIMISE="-O1 -g -fno-omit-frame-pointer"
PART ?=

$(SANITIZE_OPTIONS): tests/analysis/sanitize.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 -O1 -D_GNU_SOURCE $(WARNINGS) $(WERROR) \
		-fPIC -shared -Wl,-z,initfirst -Wl,--no-as-needed -o $@ $< -lcrypt

sanitize: root
	@tests/system/packages build test
	+@$(SANITIZE_MAKE) -j$$(nproc) sanitize-programs
	+@$(SANITIZE_MAKE) sanitized

sanitize-programs: programs $(SANITIZE_OPTIONS)

sanitized:
	$(TEST_ENV) $(PROVE) -j$$(nproc) $(QUICK_TESTS) $(SLOW_TESTS)
	$(TEST_ENV) tests/analysis/sanitize $(PART:%=--part %)

.PHONY: sanitize sanitize-programs sanitized
