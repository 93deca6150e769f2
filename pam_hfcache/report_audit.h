/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an audit found, for people and for programs.
 */
#ifndef HFCACHE_REPORT_AUDIT_H
#define HFCACHE_REPORT_AUDIT_H

#include "audit.h"
#include "cli.h"
#include "json.h"

/* What a report is about. */
struct audit_report {
    const struct cli *cli;
    const struct policy_section *section;
    const char *start; /* relative to the cache's path; "" is all of it */
    bool repair;       /* of `repair`, not of `check` */
    struct json *json; /* NULL: text */
};

/* One inode, a line or a JSON object: for --all, while the audit goes on. */
void report_audit_item(const struct audit_report *report,
                       const struct audit_item *item);

/* The report, as text or as the rest of the JSON object of this cache. */
void report_audit(const struct audit_report *report, const struct audit *audit);

/* The JSON of both: report_audit_json.c. */
void report_audit_write_item(struct json *json, const struct audit_item *item);
void report_audit_write(const struct audit_report *report,
                        const struct audit *audit);

#endif
