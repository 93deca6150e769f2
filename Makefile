# SPDX-License-Identifier: BSD-3-Clause
#
# Builds pam_hfcache.so, hfcache and hfcache-probe; GNU make, no configure
# step.  All but the three entry files is one static library, which the
# module, the tools and the tests link.
#
#   make              build into $(BUILD)
#   make install      honours DESTDIR, prefix, securedir, mandir and the like;
#                     uninstall undoes it
#   make check        the tests that need no root, in under a minute
#   make deb          a package for Debian and Ubuntu, in $(BUILD)/deb
#   make rpm          a package for Fedora, RHEL and SUSE, in $(BUILD)/rpm
#   make test         all tests (root: real login programs, real clients)
#   make distros      build and test in other systems (root): Debian 13 and sid,
#                     i386, arm64, musl
#   make machine      boot a Debian in the emulator, and test there what needs
#                     systemd, NFS and other file systems (root)
#   make fuzz         each fuzzer for FUZZ_SECONDS, an hour; new inputs stay
#                     in $(BUILD)/fuzz
#   make analyse      gcc -fanalyzer, clang-tidy and cppcheck, any finding a
#                     failure
#   make sanitize     all tests under the address and undefined behaviour
#                     sanitizers (root); PART=3/10: of those that need root the
#                     third tenth
#   make valgrind     the PAM scripts and the quick unit tests under valgrind
#   make coverage     the branches that tests take, beside tests/analysis/branch-floors
#   make mutation     breaks each MUST and sees its test fail (MUST=safefs.h:1
#                     that one)
#   make demo         two users, one cache, in a private mount namespace (root)
#   make bench        what a login costs beside other modules, and a whole tree
#                     beside find, as ratios (root); bench-login and bench-tree
#                     are its parts; TMPDIR is the disk that trees are made on

BUILD ?= build
prefix ?= /usr/local
exec_prefix ?= $(prefix)
bindir ?= $(exec_prefix)/bin
libexecdir ?= $(exec_prefix)/libexec
# Of the policy. PAM's own files are where libpam looks, below /etc; cron, too,
# looks nowhere else.
sysconfdir ?= /etc
crondir ?= $(sysconfdir)/cron.d
mandir ?= $(prefix)/share/man
docdir ?= $(prefix)/share/doc/pam_hfcache
bashcompdir ?= $(prefix)/share/bash-completion/completions
zshcompdir ?= $(prefix)/share/zsh/site-functions
fishcompdir ?= $(prefix)/share/fish/vendor_completions.d
# pam.pc names no module folder: it is `security` beside libpam.
securedir ?= $(shell pkg-config --variable=libdir pam 2>/dev/null || \
	echo /lib/$$($(CC) -print-multiarch 2>/dev/null))/security
systemdsystemunitdir ?= $(prefix)/lib/systemd/system
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
helper := $(libexecdir)/hfcache-probe

VERSION := 0.1.0
CC ?= cc
PROVE ?= prove
INSTALL ?= install

# --- flags -----------------------------------------------------------------

try = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null \
	&& echo $(1))
WARNINGS := -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wconversion \
	-Wsign-conversion -Wcast-qual -Wwrite-strings -Wundef -Wvla \
	-Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference \
	$(foreach f,-Wlogical-op -Wduplicated-cond,$(call try,$(f)))
HARDENING := -fstack-protector-strong \
	-fvisibility=hidden -fPIC -ffunction-sections -fdata-sections \
	$(foreach f,-fstack-clash-protection \
	-fcf-protection -ftrivial-auto-var-init=zero,$(call try,$(f)))
OPTIMISE ?= -O2 -g
# Packages leave it out: a later compiler may warn of more.
WERROR ?= -Werror
SANITIZE ?=
CFLAGS ?=
CPPFLAGS ?=
LDFLAGS ?=
# Not with sanitizers, and not where a distribution's flags have one.
ifeq ($(SANITIZE)$(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),)
HARDENING += -D_FORTIFY_SOURCE=2
endif
ALL_CFLAGS = -std=gnu11 $(OPTIMISE) $(WARNINGS) $(WERROR) $(HARDENING) $(SANITIZE) \
	-Ipam_hfcache $(CPPFLAGS) $(CFLAGS)
# What the module does not call is not in it: least of all what writes.
ALL_LDFLAGS = -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed \
	$(SANITIZE) $(LDFLAGS)
# 32 bits hold neither a large cache's inode numbers and sizes nor the times from
# 2038 on; and the C library may have names like getdents64() on demand alone.
DEFINES = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-D_LARGEFILE64_SOURCE -DHFCACHE_HELPER='"$(helper)"' \
	-DHFCACHE_VERSION='"$(VERSION)"' -DHFCACHE_SECUREDIR='"$(securedir)"' \
	-DHFCACHE_SYSCONFDIR='"$(sysconfdir)"'

# inih is linked statically where the archive is to be had: a shared library
# more costs every login as much as all of our own work.
INIH ?= $(firstword $(wildcard \
	$(shell $(CC) -print-file-name=libinih.a)) -linih)

# make V=1 shows the commands, make -s nothing.
V ?= 0
ifneq ($(findstring s,$(firstword -$(MAKEFLAGS))),)
say = @
else ifeq ($(V),0)
say = @printf '  %-5s %s\n' $(1) $(2);
endif

# --- files -----------------------------------------------------------------

ENTRIES := pam_hfcache/pam_hfcache.c pam_hfcache/hfcache.c \
	pam_hfcache/hfcache_probe.c
CORE := $(filter-out $(ENTRIES),$(wildcard pam_hfcache/*.c))
CORE_OBJS := $(CORE:%.c=$(BUILD)/%.o)
LIB := $(BUILD)/libhfcache.a
MODULE := $(BUILD)/pam_hfcache.so
CLI := $(BUILD)/hfcache
PROBE := $(BUILD)/hfcache-probe
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%.t,\
	$(wildcard tests/unit/*.c))

PAGES := $(patsubst pam_hfcache/man/%,$(BUILD)/man/%,\
	$(wildcard pam_hfcache/man/*.[58]))

all: $(MODULE) $(CLI) $(PROBE) $(PAGES)

# Rebuild when a path or a flag that is compiled in changes.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(DEFINES))' \
		> $@.new; \
	cmp -s $@ $@.new && rm $@.new || mv $@.new $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(DEFINES) -MMD -MP -c -o $@ $<

$(LIB): $(CORE_OBJS)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $^

$(MODULE): $(BUILD)/pam_hfcache/pam_hfcache.o $(LIB) pam_hfcache/module.map
	$(call say,LINK,$@)$(CC) -shared $(ALL_LDFLAGS) $(if $(SANITIZE),,-Wl,-z,defs) \
		-Wl,--version-script=pam_hfcache/module.map -o $@ $< $(LIB) \
		$(INIH) -lpam

$(CLI): $(BUILD)/pam_hfcache/hfcache.o $(LIB)
	$(call say,LINK,$@)$(CC) -pie $(ALL_LDFLAGS) -o $@ $< $(LIB) $(INIH) -lpthread

$(PROBE): $(BUILD)/pam_hfcache/hfcache_probe.o $(LIB)
	$(call say,LINK,$@)$(CC) -pie $(ALL_LDFLAGS) -o $@ $< $(LIB) -lpthread

# The pages name the folders that this build goes by.
$(BUILD)/man/%: pam_hfcache/man/% $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,SED,$@)sed -e 's|@libexecdir@|$(libexecdir)|g' \
		-e 's|@securedir@|$(securedir)|g' \
		-e 's|@sysconfdir@|$(sysconfdir)|g' $< > $@

# --- install ---------------------------------------------------------------

conffile := $(DESTDIR)$(sysconfdir)/security/hfcache.conf
cronfile := $(DESTDIR)$(crondir)/hfcache
unitdir := $(DESTDIR)$(systemdsystemunitdir)
tmpfile := $(DESTDIR)$(tmpfilesdir)/hfcache.conf
units := $(notdir $(wildcard conf/systemd/*))
exampledir := $(DESTDIR)$(docdir)/examples
examples := $(patsubst conf/examples/%,%,\
	$(wildcard $(addprefix conf/examples/,*.conf hfcache-* *.d/*)))
members := /var/lib/hfcache/members
man5 := $(DESTDIR)$(mandir)/man5
man8 := $(DESTDIR)$(mandir)/man8

install: all install-conf
	$(INSTALL) -d $(DESTDIR)$(securedir) $(DESTDIR)$(bindir) \
		$(DESTDIR)$(libexecdir)
	$(INSTALL) -m 0644 $(MODULE) $(DESTDIR)$(securedir)/pam_hfcache.so
	$(INSTALL) -m 0755 $(CLI) $(DESTDIR)$(bindir)/hfcache
	$(INSTALL) -m 0755 $(PROBE) $(DESTDIR)$(helper)

# What is in conf/; nothing of it is enabled.  What an admin may have edited
# stays as it is.
fill_in = sed 's|@bindir@|$(bindir)|g' $(1) | $(INSTALL) -m 0644 /dev/stdin $(2)
install-conf: $(PAGES)
	$(INSTALL) -d $(dir $(conffile) $(cronfile) $(tmpfile)) $(unitdir)
	$(INSTALL) -m 0644 conf/tmpfiles.d/hfcache.conf $(tmpfile)
	test -e $(conffile) || \
		$(INSTALL) -m 0644 conf/hfcache.conf $(conffile)
	test -e $(cronfile) || $(call fill_in,conf/cron.d/hfcache,$(cronfile))
	$(foreach unit,$(units),$(call \
		fill_in,conf/systemd/$(unit),$(unitdir)/$(unit)) &&) true
	$(INSTALL) -d $(exampledir)/fleet.conf.d
	$(foreach example,$(examples),$(call \
		fill_in,conf/examples/$(example),$(exampledir)/$(example)) &&) true
	$(INSTALL) -d $(man5) $(man8) $(DESTDIR)$(bashcompdir) \
		$(DESTDIR)$(zshcompdir) $(DESTDIR)$(fishcompdir)
	$(INSTALL) -m 0644 $(filter %.5,$(PAGES)) $(man5)
	$(INSTALL) -m 0644 $(filter %.8,$(PAGES)) $(man8)
	$(INSTALL) -m 0644 conf/completion/hfcache.bash \
		$(DESTDIR)$(bashcompdir)/hfcache
	$(INSTALL) -m 0644 conf/completion/_hfcache $(DESTDIR)$(zshcompdir)
	$(INSTALL) -m 0644 conf/completion/hfcache.fish $(DESTDIR)$(fishcompdir)

# Our lines leave /etc/pam.d before the module that they name goes, and the
# timer's link before the timer.  An edited policy is the admin's: it stays, as
# does the list of those whom logins made members, which nobody else can tell
# from the admin's; that is said.  A cron job for a program that is gone is
# nobody's.
uninstall:
	test -n "$(DESTDIR)" || ! test -x $(bindir)/hfcache || \
		$(bindir)/hfcache disable --all
	test -n "$(DESTDIR)" || ! test -e $(unitdir)/hfcache-check.timer || \
		! command -v systemctl > /dev/null || \
		systemctl --quiet disable hfcache-check.timer || true
	test -n "$(DESTDIR)" || ! test -d /run/systemd/system || \
		systemctl --quiet stop hfcache-check.timer || true
	rm -f $(DESTDIR)$(securedir)/pam_hfcache.so \
		$(DESTDIR)$(bindir)/hfcache $(DESTDIR)$(helper) $(cronfile) \
		$(tmpfile) \
		$(units:%=$(unitdir)/%) $(examples:%=$(exampledir)/%) \
		$(addprefix $(man5)/,$(notdir $(filter %.5,$(PAGES)))) \
		$(addprefix $(man8)/,$(notdir $(filter %.8,$(PAGES)))) \
		$(DESTDIR)$(bashcompdir)/hfcache $(DESTDIR)$(zshcompdir)/_hfcache \
		$(DESTDIR)$(fishcompdir)/hfcache.fish
	-rmdir --ignore-fail-on-non-empty $(exampledir)/fleet.conf.d \
		$(exampledir) $(DESTDIR)$(docdir)
	-rmdir --ignore-fail-on-non-empty $(DESTDIR)$(libexecdir) $(unitdir) \
		$(dir $(tmpfile)) \
		$(DESTDIR)$(bashcompdir) $(DESTDIR)$(zshcompdir) \
		$(DESTDIR)$(fishcompdir)
	@if cmp -s conf/hfcache.conf $(conffile); then rm $(conffile); \
	elif test -e $(conffile); then \
		echo "kept: $(conffile), which differs from the one installed"; fi
	test -n "$(DESTDIR)" || rm -rf /run/hfcache \
		/var/lib/systemd/timers/stamp-hfcache-check.timer
	@test -n "$(DESTDIR)" || ! test -d /var/lib/hfcache || { \
		find /var/lib/hfcache -mindepth 1 ! -path $(members) \
			! -name "begun-*" -delete; \
		rmdir --ignore-fail-on-non-empty /var/lib/hfcache; }
	@if test -z "$(DESTDIR)" && test -e $(members); then \
		echo "kept: $(members), by which hfcache revoke, once" \
			"installed again, takes back what logins gave"; fi

# --- tests -----------------------------------------------------------------

include tests/tests.mk
include conf/packages.mk

$(BUILD)/tests/unit/%.t: tests/unit/%.c $(LIB) $(BUILD)/flags tests/tap.h
	@mkdir -p $(@D)
	$(call say,TEST,$<)$(CC) $(ALL_CFLAGS) $(DEFINES) -Itests -MMD -MP \
		$(ALL_LDFLAGS) -o $@ $< $(LIB) $(INIH) -lpthread

# What the test scripts find in their environment.
TEST_ENV = BUILD=$(abspath $(BUILD)) CC="$(CC)"
SLOW_TESTS = $(addprefix $(BUILD)/tests/unit/,walk_limits.t walk_record.t \
	walk_threads.t snapshot_damage.t)
QUICK_TESTS = $(filter-out $(SLOW_TESTS),$(UNIT)) \
	$(wildcard tests/pam/*.t tests/cli/*.t tests/lint/*.t)
ROOT_TESTS = $(wildcard tests/attack/*.t tests/system/*.t tests/client/*.t)
LONG_TESTS = $(SLOW_TESTS) $(wildcard tests/fuzz/*.t)
FUZZ_SECONDS ?= 3600

programs: all $(UNIT) $(PAM_DRIVE)

check: programs
	$(TEST_ENV) $(PROVE) -j$$(nproc) $(QUICK_TESTS)

# The packages come first, and another make then looks for what they brought.
test: root
	@tests/system/packages build test
	@$(MAKE) programs
	$(TEST_ENV) $(PROVE) --timer $(QUICK_TESTS) $(ROOT_TESTS) $(LONG_TESTS)

distros: root
	@tests/distros

machine: root
	@tests/machine/run

fuzz:
	@tests/system/packages fuzz
	@$(MAKE) fuzzers
	@$(TEST_ENV) tests/fuzz/run $(FUZZ_SECONDS)

analyse:
	@tests/system/packages analyse
	@tests/analysis/analyse $(DEFINES)

valgrind: programs
	$(TEST_ENV) $(PROVE) -v tests/analysis/memcheck.t tests/analysis/memcheck

coverage:
	@$(TEST_ENV) tests/analysis/coverage

mutation: root
	@tests/system/packages build
	@tests/mutation/run $(MUST)

demo: root
	@tests/system/packages build demo
	@$(MAKE) -s all
	@$(TEST_ENV) tests/demo/demo

# One after the other, whatever -j says.
bench: root
	@$(MAKE) bench-login
	@$(MAKE) bench-tree

bench-login: root
	@tests/system/packages build test
	@$(MAKE) all $(BENCH_LOGIN)
	@$(TEST_ENV) tests/bench/login

bench-tree: root
	@tests/system/packages build test bench
	@$(MAKE) all $(BENCH_TREE)
	@$(TEST_ENV) tests/bench/tree

root:
	@test "$$(id -u)" = 0 || { echo "this needs root: it makes users and" \
		"starts sshd in namespaces of its own (make check does without)" \
		>&2; exit 1; }

clean:
	rm -rf $(BUILD)

FORCE:
-include $(CORE_OBJS:.o=.d) $(ENTRIES:%.c=$(BUILD)/%.d) $(UNIT:.t=.d)
.PHONY: all install install-conf uninstall programs check test distros machine fuzz \
	analyse valgrind coverage mutation demo bench bench-login bench-tree root \
	clean FORCE
.DELETE_ON_ERROR:
