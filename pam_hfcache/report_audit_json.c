/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The report of `hfcache check` and `hfcache repair`, as JSON.
 *
 * A cache is an object: "path", "section", "group", "gid", "findings" (an
 * object an inode), "kinds", "repositories", "summary".
 */
#include <sys/stat.h>

#include "report.h"
#include "report_audit.h"

static const char *
type_word(mode_t mode)
{
    if (S_ISDIR(mode))
        return "folder";
    if (S_ISREG(mode))
        return "file";
    return S_ISLNK(mode) ? "link" : "special";
}

/* What mending would make of it; null where nothing is to be done. */
static void
write_want(struct json *json, const struct audit_item *item)
{
    if (item->fate == AUDIT_TOLD || item->fate == AUDIT_GONE ||
        !item->has_owner) {
        json_null(json, "want");
        return;
    }
    json_begin_object(json, "want");
    json_mode(json, "mode", item->wanted.mode);
    json_number(json, "gid", item->wanted.gid);
    if (S_ISDIR(item->mode))
        json_string(json, "default_acl",
                    item->wanted.acl == ACL_FACT_2770 ||
                            item->wanted.acl == ACL_FACT_2775
                        ? layout_acl_text(item->wanted.acl)
                        : NULL);
    json_end_object(json);
}

void
report_audit_write_item(struct json *json, const struct audit_item *item)
{
    json_begin_object(json, NULL);
    json_path(json, "path", *item->path ? item->path : ".");
    json_string(json, "type", type_word(item->mode));
    json_string(json, "kind", item->kind);
    json_string(json, "severity",
                layout_severity_words[layout_worst(item->what)]);
    report_write_findings(json, "findings", item->what);
    if (item->error)
        json_number(json, "errno", item->error);
    if (item->has_owner) {
        report_write_owners(json, item->uid, item->gid);
        json_mode(json, "mode", item->mode & 07777);
    }
    write_want(json, item);
    json_string(json, "fate", audit_fate_word(item->fate));
    if (*item->why)
        json_string(json, "why", item->why);
    json_end_object(json);
}

/* Without --all: the first of each finding; an inode with two is there twice. */
static void
write_samples(struct json *json, const struct audit *audit)
{
    json_begin_array(json, "findings");
    for (size_t i = 0; i < audit->nkinds; i++) {
        for (size_t k = 0; k < audit->kinds[i].nsamples; k++)
            report_audit_write_item(json, &audit->kinds[i].sample[k]);
    }
    json_end_array(json);
}

static void
write_kinds(struct json *json, const struct audit *audit)
{
    json_begin_array(json, "kinds");
    for (size_t i = 0; i < audit->nkinds; i++) {
        const struct audit_kind *kind = &audit->kinds[i];

        if (kind->count == 0)
            continue;
        json_begin_object(json, NULL);
        json_string(json, "finding", kind->finding->word);
        json_string(json, "severity",
                    layout_severity_words[kind->finding->severity]);
        json_number(json, "count", (int64_t)kind->count);
        json_string(json, "meaning", kind->finding->meaning);
        json_end_object(json);
    }
    json_end_array(json);
}

static void
write_repositories(struct json *json, const struct audit *audit)
{
    json_begin_array(json, "repositories");
    for (size_t i = 0; i < audit->nrepositories; i++) {
        const struct audit_repository *repository = &audit->repositories[i];

        json_begin_object(json, NULL);
        json_path(json, "path", *repository->name ? repository->name : ".");
        if (repository->has_owner)
            report_write_owner(json, repository->uid);
        else
            json_null(json, "owner");
        report_write_findings(json, "findings", repository->what);
        json_number(json, "alarms", (int64_t)repository->alarms);
        json_number(json, "drifts", (int64_t)repository->drifts);
        json_number(json, "notes", (int64_t)repository->notes);
        json_end_object(json);
    }
    json_end_array(json);
}

static void
write_summary(const struct audit_report *report, const struct audit *audit)
{
    struct json *json = report->json;

    json_begin_object(json, "summary");
    json_bool(json, "healthy", audit_is_healthy(audit));
    json_bool(json, "complete", audit->result == 0);
    json_number(json, "took_ms", audit->took_ms);
    json_number(json, "folders", (int64_t)audit->folders);
    json_number(json, "files", (int64_t)audit->files);
    json_number(json, "links", (int64_t)audit->links);
    json_number(json, "others", (int64_t)audit->others);
    json_number(json, "reused", (int64_t)audit->reused);
    json_number(json, "reused_folders", (int64_t)audit->reused_folders);
    json_time(json, "reused_oldest", audit->oldest_wall);
    json_number(json, "alarms", (int64_t)audit->alarms);
    json_number(json, "drifts", (int64_t)audit->drifts);
    json_number(json, "notes", (int64_t)audit->notes);
    json_number(json, "mendable", (int64_t)audit->needed);
    if (report->repair) {
        json_number(json, "mended", (int64_t)audit->mended);
        json_number(json, "failed", (int64_t)audit->failed);
        json_number(json, "gone", (int64_t)audit->gone);
    }
    json_end_object(json);
}

void
report_audit_write(const struct audit_report *report, const struct audit *audit)
{
    if (!report->cli->all)
        write_samples(report->json, audit);
    write_kinds(report->json, audit);
    write_repositories(report->json, audit);
    write_summary(report, audit);
}
