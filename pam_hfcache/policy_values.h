/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pure, shared by the policy's own files: what may stand on the right of a
 * "=", and what must fit together.
 */
#ifndef HFCACHE_POLICY_VALUES_H
#define HFCACHE_POLICY_VALUES_H

#include "policy.h"

/*
 * Check `text` as a value of `key` and set value->text (borrowed) and
 * value->number.  0, or -EINVAL with "what, and what would be right".
 */
int policy_values_parse(enum policy_key key, const char *text,
                        struct policy_value *value, struct err *err);

/* May a section be called this?  Letters, digits, "_", "." and "-". */
bool policy_values_is_name(const char *name);

/* Check a line NAME = VALUE of an [env] section.  0 or -EINVAL likewise. */
int policy_values_check_env(const char *name, const char *value,
                            struct err *err);

/*
 * Complete a policy whose files are all read, [cache] being its first section:
 * inherit, fill in defaults, check what must fit together, move [cache] last.
 * 0, or a negative errno with "FILE:LINE: ..." in `err`.
 */
int policy_complete(struct policy *policy, struct err *err);

#endif
