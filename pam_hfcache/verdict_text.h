/* SPDX-License-Identifier: BSD-3-Clause */
/* What verdict.c and verdict_slot.c share. */
#ifndef HFCACHE_VERDICT_TEXT_H
#define HFCACHE_VERDICT_TEXT_H

#include "util.h"

#define VERDICT_BOOT_SIZE 37 /* 36 characters and NUL */

/* The identity of this boot of the machine. */
int verdict_boot_id(char ret_boot[VERDICT_BOOT_SIZE], struct err *err);

#endif
