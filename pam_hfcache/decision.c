/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which section takes a login.  The table of states is in decision_state.c,
 * the variables are in decision_env.c.
 */
#include "decision.h"

#include <fnmatch.h>
#include <string.h>

#define DYNAMIC_UID_MIN 61184 /* systemd's dynamic users, UIDS-GIDS of systemd */
#define DYNAMIC_UID_MAX 65519

bool
decision_uid_is_special(uid_t uid)
{
    return uid == 0 || uid == 65534 || uid == 65535 || uid == (uid_t)-1 ||
           (uid >= DYNAMIC_UID_MIN && uid <= DYNAMIC_UID_MAX);
}

typedef bool matcher(const struct subject *subject, const char *item,
                     bool negated);

/*
 * First to last, the last match wins; a list whose first item is negated
 * starts from everyone.
 */
static bool
match_list(const char *list, const struct subject *subject, matcher *matches)
{
    bool result = false;
    bool first = true;
    bool negated;
    char item[256];

    while (policy_next_item(&list, item, sizeof(item), &negated)) {
        if (first)
            result = negated;
        first = false;
        if (matches(subject, item, negated))
            result = !negated;
    }
    return result;
}

static bool
match_uid(uid_t uid, const char *item)
{
    char *end;
    unsigned long low = strtoul(item, &end, 10);
    unsigned long high = *end == '-' ? strtoul(end + 1, NULL, 10) : low;

    return low <= uid && uid <= high;
}

static bool
match_user(const struct subject *subject, const char *item, bool negated)
{
    if (strcmp(item, "*") == 0)
        return true;
    if (*item == '@')
        return subject->in_group &&
               subject->in_group(subject, item + 1, negated);
    if (*item >= '0' && *item <= '9')
        return match_uid(subject->uid, item);
    return strcmp(item, subject->user) == 0;
}

static bool
match_service(const struct subject *subject, const char *pattern, bool negated)
{
    (void)negated;
    return fnmatch(pattern, subject->service, 0) == 0;
}

/* In ASCII: the host program's locale may be one that a user chose. */
static void
copy_lower(char *to, size_t size, const char *from, size_t length)
{
    if (length >= size)
        length = size - 1;
    for (size_t i = 0; i < length; i++)
        to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] | 0x20)
                                                 : from[i];
    to[length] = '\0';
}

/* A pattern without a dot is about the host name's first label. */
static bool
match_host(const struct subject *subject, const char *pattern, bool negated)
{
    char host[256], lower[256];
    size_t length = strchr(pattern, '.') ? strlen(subject->host)
                                         : strcspn(subject->host, ".");

    (void)negated;
    copy_lower(host, sizeof(host), subject->host, length);
    copy_lower(lower, sizeof(lower), pattern, strlen(pattern));
    return fnmatch(lower, host, 0) == 0;
}

bool
decision_is_for_host(const struct policy_section *section, const char *host)
{
    struct subject subject = {.host = host};

    return match_list(policy_text(section, KEY_HOSTS), &subject, match_host);
}

/* The key that keeps this section from taking the login; -1: none does. */
static int
find_obstacle(const struct policy_section *section,
              const struct subject *subject)
{
    static const struct {
        enum policy_key key;
        matcher *matches;
    } lists[] = {
        {KEY_SERVICES, match_service},
        {KEY_HOSTS, match_host},
        {KEY_USERS, match_user}, /* asks NSS, which may have no answer */
    };

    if (subject->uid < (uid_t)policy_number(section, KEY_MIN_UID))
        return KEY_MIN_UID;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (!match_list(policy_text(section, lists[i].key), subject,
                        lists[i].matches))
            return (int)lists[i].key;
    }
    return -1;
}

static void
explain_section(const struct policy_section *section,
                const struct subject *subject, int obstacle,
                struct lines *why)
{
    char title[64] = "", where[512] = "";
    struct text title_text = TEXT_INIT(title), where_text = TEXT_INIT(where);
    const struct policy_value *value;

    if (!why)
        return;
    policy_add_title(section, &title_text);
    if (obstacle < 0) {
        policy_add_origin(&section->origin, &where_text);
        lines_add(why, "%s takes this login: users, services and hosts match "
                       "(%s)",
                  title, where);
        return;
    }
    value = &section->value[obstacle];
    policy_add_origin(&value->origin, &where_text);
    if (obstacle == KEY_MIN_UID)
        lines_add(why, "%s does not: uid %u is below min_uid = %s (%s)", title,
                  subject->uid, value->text, where);
    else
        lines_add(why, "%s does not: %s = %s (%s)", title,
                  policy_keys[obstacle].name, value->text, where);
}

const struct policy_section *
decision_section(const struct policy *policy, const struct subject *subject,
                 struct lines *why)
{
    if (decision_uid_is_special(subject->uid)) {
        lines_add(why, "uid %u is the system's own: never served",
                  subject->uid);
        return NULL;
    }
    for (size_t i = 0; i < policy->nsections; i++) {
        const struct policy_section *section = &policy->sections[i];
        int obstacle = find_obstacle(section, subject);

        explain_section(section, subject, obstacle, why);
        if (obstacle < 0)
            return section;
    }
    return NULL;
}

/* Would a login of `uid` mend what is named here? */
static bool
is_own(const struct drift *drift, uid_t uid)
{
    return drift->owner == uid && !(drift->what & DRIFT_KEPT);
}

/* Add those of `uid` that are not there yet. */
static void
add_own(struct own_drifts *own, const struct drift *drifts, size_t count,
        uid_t uid)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;

        if (!is_own(&drifts[i], uid))
            continue;
        while (at < own->count &&
               strcmp(own->drift[at].name, drifts[i].name) != 0)
            at++;
        if (at == own->count && at < DECISION_MAX_OWN)
            own->drift[own->count++] = drifts[i];
    }
}

void
decision_own_drifts(const struct verdict *verdict,
                    const struct tree_verdict *tree, uid_t uid,
                    struct own_drifts *ret)
{
    ret->count = 0;
    if (verdict)
        add_own(ret, verdict->drifts, verdict->ndrifts, uid);
    if (tree)
        add_own(ret, tree->named, tree->nnamed, uid);
}
