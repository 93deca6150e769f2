/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The site's policy: INI files -> struct policy.
 *
 * The files are the main one and then FILE.d/ *.conf in bytewise order.  A
 * file is believed only if it is regular, owned by root (or by `trusted_uid`)
 * and not writable by group or others.  Reading is strict: whatever is not
 * understood refuses the policy as a whole with "FILE:LINE: what, and what
 * would be right".  Nothing is half used.
 *
 * One table of keys (policy_keys) drives parsing, defaults, `hfcache policy`
 * and the check of the documentation.
 */
#ifndef HFCACHE_POLICY_H
#define HFCACHE_POLICY_H

#include "util.h"

#define POLICY_DEFAULT_FILE HFCACHE_SYSCONFDIR "/security/hfcache.conf"

/* The keys of a [cache] section; the order is the order of the README. */
enum policy_key {
    KEY_PATH,
    KEY_GROUP,
    KEY_MODE,
    KEY_HOME,
    KEY_DATASETS,
    KEY_MEMBERSHIP,
    KEY_PERSIST,
    KEY_USERS,
    KEY_SERVICES,
    KEY_HOSTS,
    KEY_MIN_UID,
    KEY_UMASK,
    KEY_ACL,
    KEY_VERIFY,
    KEY_DEADLINE,
    KEY_FRESH,
    KEY_PERSIST_DEADLINE,
    KEY_REPAIR,
    KEY_UNUSABLE,
    KEY_NOTIFY,
    POLICY_KEYS
};

/* The choices, in the order of their key's `choices`; the first is default. */
enum { MODE_2770, MODE_2775 };
enum { HOME_SHARED, HOME_PRIVATE };
enum { DATASETS_PRIVATE, DATASETS_SHARED };
enum { MEMBERSHIP_ENSURE, MEMBERSHIP_SESSION, MEMBERSHIP_REQUIRE,
       MEMBERSHIP_OFF };
enum { PERSIST_AUTO, PERSIST_USERMOD, PERSIST_USERDB };
enum { UMASK_KEEP, UMASK_002, UMASK_007 };
enum { ACL_AUTO, ACL_YES, ACL_NO };
enum { VERIFY_LOGIN, VERIFY_OFF };
enum { REPAIR_OWNER, REPAIR_OFF };
enum { UNUSABLE_OMIT, UNUSABLE_EXPORT };
enum { NOTIFY_PROBLEMS, NOTIFY_NEVER };

enum policy_type {
    TYPE_PATH,     /* text: an absolute, normalised folder; number: bytes */
    TYPE_GROUP,    /* text: a group's name or gid; number: gid or -1 */
    TYPE_CHOICE,   /* number: index into `choices` */
    TYPE_USERS,    /* text: list of *, name, @group, N, N-M; with ! */
    TYPE_PATTERNS, /* text: list of fnmatch patterns; with ! */
    TYPE_UID,      /* number: a uid */
    TYPE_DURATION, /* number: milliseconds */
};

/* One row of the table of keys. */
struct policy_key_info {
    const char *name;
    enum policy_type type;
    const char *fallback;       /* the default, as it would be written */
    const char *const *choices; /* TYPE_CHOICE: NULL-terminated, else NULL */
    uint64_t min, max;          /* TYPE_UID, TYPE_DURATION */
    const char *help;           /* one line for a person */
};

extern const struct policy_key_info policy_keys[POLICY_KEYS];

/* Where a value comes from.  line 0: a built-in default, `file` is NULL. */
struct origin {
    const char *file;
    unsigned line;
};

struct policy_value {
    const char *text; /* as written, blanks trimmed; never NULL once loaded */
    int64_t number;   /* see enum policy_type */
    struct origin origin;
};

/* [env] or [env NAME]: one further variable. */
struct policy_env {
    const char *section; /* "" or NAME */
    const char *name;
    const char *value; /* unexpanded; "" leaves the variable out */
    struct origin origin;
};

/* [cache] (name "") or [cache NAME]. */
struct policy_section {
    const char *name;
    struct origin origin; /* of its header; file NULL if built in */
    struct policy_value value[POLICY_KEYS];
};

struct policy {
    /* Named sections in order of first appearance, then [cache], last. */
    struct policy_section *sections;
    size_t nsections;
    struct policy_env *envs; /* in order of appearance, later file wins */
    size_t nenvs;
    const char **files; /* those read, in order */
    size_t nfiles;
    struct policy_arena *arena; /* owns all strings */
};

/*
 * Load the policy.  `file` NULL means POLICY_DEFAULT_FILE, which may be absent
 * (then built-in defaults hold; its drop-ins are read all the same); a named
 * file may not.  `trusted_uid` is accepted as owner beside root: 0 in the
 * module, the caller's uid in the CLI.
 *
 * Returns 0, and the caller frees with policy_free(); or -EINVAL (a refused
 * file), -ENOMEM or another negative errno, with one "FILE:LINE: ..." or
 * "FILE: ..." sentence in `err` and *ret untouched.
 */
int policy_load(const char *file, uid_t trusted_uid, struct policy *ret,
                struct err *err);

/*
 * Load a policy from memory as if it were the single file `file`; for tests
 * and fuzzing.  `data` need not be NUL-terminated.
 */
int policy_load_text(const char *file, const char *data, size_t length,
                     struct policy *ret, struct err *err);

void policy_free(struct policy *policy);

/* The number of a value: shorthand for section->value[key].number. */
static inline int64_t
policy_number(const struct policy_section *section, enum policy_key key)
{
    return section->value[key].number;
}

/* The text of a value: shorthand for section->value[key].text. */
static inline const char *
policy_text(const struct policy_section *section, enum policy_key key)
{
    return section->value[key].text;
}

/* What `mode` stands for: 02770 or 02775, the mode of hub/ and below. */
mode_t policy_mode(const struct policy_section *section);

/* A section's title as written in a file: "[cache]" or "[cache NAME]". */
void policy_add_title(const struct policy_section *section, struct text *text);

/* "FILE:LINE" or "built-in default". */
void policy_add_origin(const struct origin *origin, struct text *text);

/*
 * True if `gid` or the group `name` (either may be unknown: (gid_t)-1, NULL)
 * is one that no cache may be shared with, because it carries rights: root,
 * wheel, sudo, adm, shadow, disk, docker, lxd and their like.
 */
bool policy_group_is_reserved(const char *name, gid_t gid);

/* NULL if `path` may be a cache's root, else what would be right instead. */
const char *policy_path_problem(const char *path);

/*
 * True if the absolute `path`, which need not be normalised, is `tree` or lies
 * below it, or may do so because it contains "..".
 */
bool policy_path_is_below(const char *path, const char *tree);

/*
 * -EINVAL with a sentence if the variable `name` holds a secret or code and
 * its expanded `value` is not absolute or lies in the shared cache `path`.
 */
int policy_check_private(const char *name, const char *value, const char *path,
                         struct err *err);

/*
 * Iterate a list value.  Items are divided by blanks or commas.  `*cursor`
 * starts as the value's text; returns false at the end.  `item` (of `size`
 * bytes) gets the item without its "!", `*ret_negated` tells of the "!".
 */
bool policy_next_item(const char **cursor, char *item, size_t size,
                      bool *ret_negated);

#endif
