/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arguments of the helper, as probe.h tells of them.
 */
#include "login_ask.h"

#include <stdarg.h>
#include <stdio.h>

#include "probe.h"

/* NAME=VALUE arguments for the helper, in one buffer. */
struct arguments {
    char buffer[2048];
    const char *argv[16];
    size_t count;
    size_t used;
};

static void add_argument(struct arguments *arguments, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* Bounded by the policy's own limits on paths and names. */
static void
add_argument(struct arguments *arguments, const char *format, ...)
{
    size_t room = sizeof(arguments->buffer) - arguments->used;
    char *start = arguments->buffer + arguments->used;
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(start, room, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= room ||
        arguments->count + 1 >= ARRAY_LEN(arguments->argv))
        return; /* the helper refuses an incomplete set */
    arguments->used += (size_t)length + 1;
    arguments->argv[arguments->count++] = start;
    arguments->argv[arguments->count] = NULL;
}

ssize_t
login_ask_to_join(const struct login *login, int how, const char *group,
                  char *answer, struct err *err)
{
    const struct subject *subject = &login->person.subject;
    struct arguments arguments = {.count = 0};

    add_argument(&arguments, "hfcache-probe");
    add_argument(&arguments, "join");
    add_argument(&arguments, "user=%s", subject->user);
    add_argument(&arguments, "uid=%u", subject->uid);
    add_argument(&arguments, "group=%s", group);
    add_argument(&arguments, "gid=%u", login->gid);
    add_argument(&arguments, "how=%s",
                 policy_keys[KEY_PERSIST].choices[how]);
    return probe_run(HFCACHE_HELPER, arguments.argv,
                     policy_number(login->section, KEY_PERSIST_DEADLINE),
                     answer, err);
}

ssize_t
login_start_probe(const struct login *login, const char *command,
                  int64_t deadline_ms, char *answer, struct err *err)
{
    const struct policy_section *section = login->section;
    const struct subject *subject = &login->person.subject;
    struct arguments arguments = {.count = 0};
    bool mend = policy_number(section, KEY_REPAIR) == REPAIR_OWNER;

    add_argument(&arguments, "hfcache-probe");
    add_argument(&arguments, "%s", command);
    add_argument(&arguments, "path=%s", policy_text(section, KEY_PATH));
    add_argument(&arguments, "gid=%u", login->gid);
    add_argument(&arguments, "mode=%s", policy_text(section, KEY_MODE));
    add_argument(&arguments, "acl=%s", policy_text(section, KEY_ACL));
    add_argument(&arguments, "uid=%u", subject->uid);
    add_argument(&arguments, "pgid=%u", subject->gid);
    add_argument(&arguments, "member=%d",
                 login->member == MEMBER_ADDED || login->lasting ||
                     login->member == MEMBER_YES);
    add_argument(&arguments, "mend=%d", mend);
    return probe_run(HFCACHE_HELPER, arguments.argv, deadline_ms, answer, err);
}
