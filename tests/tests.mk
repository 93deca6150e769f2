# SPDX-License-Identifier: BSD-3-Clause
#
# How the test programs are built that are more than one file of cases; the
# Makefile includes this.

PAM_DRIVE := $(BUILD)/tests/pam/drive
PAM_DRIVE_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/pam/*.c))

$(PAM_DRIVE_OBJS): $(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(DEFINES) -Itests -MMD -MP -c -o $@ $<

# -rdynamic: the module's pam_syslog() is to find the driver's.
$(PAM_DRIVE): $(PAM_DRIVE_OBJS)
	$(CC) -pie -rdynamic $(ALL_LDFLAGS) -o $@ $^ -lpam -lpthread

-include $(PAM_DRIVE_OBJS:.o=.d)

# The host that probe_run() must not disturb is looked at in the same way.
$(BUILD)/tests/unit/probe.t: tests/unit/probe.c $(BUILD)/tests/pam/snapshot.o \
		$(LIB) $(BUILD)/flags tests/tap.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(DEFINES) -Itests -MMD -MP $(ALL_LDFLAGS) -o $@ \
		$< $(BUILD)/tests/pam/snapshot.o $(LIB) -lpthread
