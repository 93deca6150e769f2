/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of keys, what each value may be, and how it is read.  Pure.
 */
#include "policy_values.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MS_DAY 86400000

static const char *const choices_mode[] = {"2770", "2775", NULL};
static const char *const choices_home[] = {"shared", "private", NULL};
static const char *const choices_datasets[] = {"private", "shared", NULL};
static const char *const choices_membership[] = {"ensure", "session", "require",
                                                 "off", NULL};
static const char *const choices_persist[] = {"auto", "usermod", "userdb",
                                              NULL};
static const char *const choices_umask[] = {"keep", "002", "007", NULL};
static const char *const choices_acl[] = {"auto", "yes", "no", NULL};
static const char *const choices_verify[] = {"login", "off", NULL};
static const char *const choices_repair[] = {"owner", "off", NULL};
static const char *const choices_unusable[] = {"omit", "export", NULL};
static const char *const choices_notify[] = {"problems", "never", NULL};

const struct policy_key_info policy_keys[POLICY_KEYS] = {
    [KEY_PATH] = {"path", TYPE_PATH, "/srv/huggingface", NULL, 0, 0,
                  "the shared cache: an absolute path"},
    [KEY_GROUP] = {"group", TYPE_GROUP, "hf-users", NULL, 0, 0,
                   "who shares it: a group's name or gid"},
    [KEY_MODE] = {"mode", TYPE_CHOICE, "2770", choices_mode, 0, 0,
                  "of hub/ and the folders below it"},
    [KEY_HOME] = {"home", TYPE_CHOICE, "shared", choices_home, 0, 0,
                  "shared: HF_HOME is path; private: only the hub cache is"},
    [KEY_DATASETS] = {"datasets", TYPE_CHOICE, "private", choices_datasets, 0,
                      0, "where HF_DATASETS_CACHE points"},
    [KEY_MEMBERSHIP] = {"membership", TYPE_CHOICE, "ensure",
                        choices_membership, 0, 0,
                        "ensure: from now on; session: this session only; "
                        "require: never add; off: don't ask"},
    [KEY_PERSIST] = {"persist", TYPE_CHOICE, "auto", choices_persist, 0, 0,
                     "how \"ensure\" lasts"},
    [KEY_USERS] = {"users", TYPE_USERS, "*", NULL, 0, 0,
                   "who is served: *, name, @group, uid N, N-M; ! negates"},
    [KEY_SERVICES] = {"services", TYPE_PATTERNS, "*", NULL, 0, 0,
                      "PAM services, as patterns"},
    [KEY_HOSTS] = {"hosts", TYPE_PATTERNS, "*", NULL, 0, 0,
                   "host names, as patterns"},
    [KEY_MIN_UID] = {"min_uid", TYPE_UID, "1000", NULL, 1, UINT32_MAX - 1,
                     "users below it are left alone"},
    [KEY_UMASK] = {"umask", TYPE_CHOICE, "keep", choices_umask, 0, 0,
                   "of the session"},
    [KEY_ACL] = {"acl", TYPE_CHOICE, "auto", choices_acl, 0, 0,
                 "default ACL on folders; auto: where the file system can"},
    [KEY_VERIFY] = {"verify", TYPE_CHOICE, "login", choices_verify, 0, 0,
                    "look at the cache when somebody logs in"},
    [KEY_DEADLINE] = {"deadline", TYPE_DURATION, "300ms", NULL, 1, 60000,
                      "how long a login waits for a look at the cache"},
    [KEY_FRESH] = {"fresh", TYPE_DURATION, "60s", NULL, 0, MS_DAY,
                   "how long a look at the cache is believed"},
    [KEY_PERSIST_DEADLINE] = {"persist_deadline", TYPE_DURATION, "5s", NULL, 1,
                              60000,
                              "how long a login waits for a lasting membership"},
    [KEY_REPAIR] = {"repair", TYPE_CHOICE, "owner", choices_repair, 0, 0,
                    "owner: a login may mend what is the user's own"},
    [KEY_UNUSABLE] = {"unusable", TYPE_CHOICE, "omit", choices_unusable, 0, 0,
                      "the variables, when the user could not use the cache"},
    [KEY_NOTIFY] = {"notify", TYPE_CHOICE, "problems", choices_notify, 0, 0,
                    "lines to an interactive user"},
};

/* Folders that no cache may be, nor lie below. */
static const char *const system_trees[] = {
    "/bin",  "/boot", "/dev",  "/etc", "/lib",  "/lib32", "/lib64", "/libx32",
    "/proc", "/root", "/run",  "/sbin", "/sys", "/tmp",   "/usr",   "/var/tmp",
    "/var/run", "/lost+found",
};

/* Groups whose members have rights beyond files. */
static const char *const reserved_groups[] = {
    "root",   "wheel",   "sudo",  "adm",    "admin",  "shadow",     "disk",
    "docker", "lxd",     "lxc",   "incus",  "incus-admin",          "libvirt",
    "kvm",    "kmem",    "mem",   "tty",    "sys",    "bin",        "daemon",
    "staff",  "operator", "utmp", "ssh",    "_ssh",   "crontab",    "ssl-cert",
    "nogroup", "nobody", "netdev", "plugdev", "podman", "polkitd",
    "systemd-journal", "input", "sgx", "ssh_keys", "trusted",
};

static bool
is_component_dots(const char *component, size_t length)
{
    return (length == 1 && component[0] == '.') ||
           (length == 2 && component[0] == '.' && component[1] == '.');
}

/* The number of components of a normalised absolute path; 0: it is not one. */
static unsigned
count_components(const char *path)
{
    unsigned count = 0;

    while (*path == '/') {
        size_t length = strcspn(path + 1, "/");

        if (length == 0 || is_component_dots(path + 1, length))
            return 0;
        path += 1 + length;
        count++;
    }
    return *path ? 0 : count;
}

static bool
is_at_or_below(const char *path, const char *tree)
{
    while (*tree && *path == *tree) {
        path++;
        tree++;
    }
    return !*tree && (*path == '/' || !*path);
}

/* The length of the next name in `*path`, past "/" and "."; 0 at its end. */
static size_t
next_name(const char **path)
{
    for (;;) {
        size_t length = 0;

        while (**path == '/')
            ++*path;
        while ((*path)[length] && (*path)[length] != '/')
            length++;
        if (length != 1 || **path != '.')
            return length;
        ++*path;
    }
}

bool
policy_path_is_below(const char *path, const char *tree)
{
    bool is_below = true; /* as far as both were read */
    size_t length;

    while ((length = next_name(&path))) {
        size_t wanted = next_name(&tree);

        if (length == 2 && is_component_dots(path, length))
            return true; /* who knows where that is */
        if (wanted && (wanted != length || memcmp(path, tree, length) != 0))
            is_below = false;
        path += length;
        tree += wanted;
    }
    return is_below && !next_name(&tree);
}

const char *
policy_path_problem(const char *path)
{
    unsigned components = count_components(path);

    if (components == 0)
        return "must be absolute and plain: no //, no . or .., no / at the "
               "end";
    if (strlen(path) > 1024)
        return "must be at most 1024 bytes long";
    if (components < 2)
        return "must have two components or more, like /srv/huggingface";
    for (size_t i = 0; i < ARRAY_LEN(system_trees); i++) {
        if (is_at_or_below(path, system_trees[i]))
            return "must not lie in a system folder; /srv/huggingface is a "
                   "good place";
    }
    if (components == 2 && util_has_prefix(path, "/var/"))
        return "must not be a system folder; /var/lib/huggingface is one "
               "level down";
    if (components == 2 && util_has_prefix(path, "/home/"))
        return "must not be a home folder; /srv/huggingface is a good place";
    return NULL;
}

bool
policy_group_is_reserved(const char *name, gid_t gid)
{
    if (gid == 0 || gid == 65534 || gid == 65535)
        return true;
    for (size_t i = 0; name && i < ARRAY_LEN(reserved_groups); i++) {
        if (*name == *reserved_groups[i] &&
            strcmp(name, reserved_groups[i]) == 0)
            return true;
    }
    return false;
}

static int
parse_path(const char *text, struct policy_value *value, struct err *err)
{
    const char *problem = policy_path_problem(text);

    if (problem)
        return err_set(err, EINVAL, "path \"%s\" %s", text, problem);
    value->number = (int64_t)strlen(text);
    return 0;
}

static int
parse_group(const char *text, struct policy_value *value, struct err *err)
{
    uint64_t gid = UINT64_MAX;

    if (text[strspn(text, "0123456789")] == '\0') {
        if (util_parse_number(text, UINT32_MAX - 1, &gid) < 0)
            return err_set(err, EINVAL,
                           "group \"%s\" is no gid: give a group's name or a "
                           "number from 1 to %" PRIu32,
                           text, UINT32_MAX - 1);
    } else if (*text == '@' || strpbrk(text, ":,/!*")) {
        return err_set(err, EINVAL,
                       "group \"%s\" is no group's name: it must not begin "
                       "with @ nor contain any of : , / ! *",
                       text);
    }
    if (policy_group_is_reserved(text, gid > UINT32_MAX ? (gid_t)-1
                                                        : (gid_t)gid))
        return err_set(err, EINVAL,
                       "group \"%s\" carries rights of its own: give a group "
                       "made for the cache, like hf-users",
                       text);
    value->number = gid > UINT32_MAX ? -1 : (int64_t)gid;
    return 0;
}

static int
parse_choice(const struct policy_key_info *key, const char *text,
             struct policy_value *value, struct err *err)
{
    char known[128] = "";
    struct text list = TEXT_INIT(known);

    for (int64_t i = 0; key->choices[i]; i++) {
        if (strcmp(text, key->choices[i]) == 0) {
            value->number = i;
            return 0;
        }
        text_addf(&list, "%s%s", i ? ", " : "", key->choices[i]);
    }
    return err_set(err, EINVAL, "%s \"%s\" is not known: give one of %s",
                   key->name, text, known);
}

static bool
is_separator(char c)
{
    return util_is_blank(c) || c == ',';
}

bool
policy_next_item(const char **cursor, char *item, size_t size,
                 bool *ret_negated)
{
    const char *start = *cursor;
    const char *end;
    size_t length;

    while (is_separator(*start))
        start++;
    if (!*start)
        return false;
    *ret_negated = *start == '!';
    start += *ret_negated;
    for (end = start; *end && !is_separator(*end);)
        end++;
    *cursor = end;
    length = (size_t)(end - start) < size ? (size_t)(end - start) : size - 1;
    memcpy(item, start, length);
    item[length] = '\0';
    return true;
}

/* Is `item` N or N-M with N <= M? */
static bool
is_uid_range(const char *item)
{
    char first[16];
    size_t length = strcspn(item, "-");
    uint64_t low, high;

    if (length == 0 || length >= sizeof(first))
        return false;
    memcpy(first, item, length);
    first[length] = '\0';
    if (util_parse_number(first, UINT32_MAX, &low) < 0)
        return false;
    if (!item[length])
        return true;
    return util_parse_number(item + length + 1, UINT32_MAX, &high) == 0 &&
           low <= high;
}

/* NULL, or what is wrong with one item of a list of users. */
static const char *
find_user_problem(const char *item)
{
    if (strcmp(item, "*") == 0)
        return NULL;
    if (*item == '@')
        return item[1] && item[1] != '@' && !strpbrk(item, "*?[")
                   ? NULL
                   : "@ wants a group's name";
    if (*item >= '0' && *item <= '9')
        return is_uid_range(item) ? NULL : "a uid is N or N-M, N not above M";
    if (*item == '-')
        return "a uid is N or N-M, without blanks, N not above M";
    if (strpbrk(item, "*?[]!/:"))
        return "a user is named exactly: only a lone * stands for everyone";
    return NULL;
}

static int
parse_list(const struct policy_key_info *key, const char *text, struct err *err)
{
    const char *cursor = text;
    char item[256];
    bool negated;
    size_t items = 0;

    for (; policy_next_item(&cursor, item, sizeof(item), &negated); items++) {
        const char *problem = NULL;

        if (!*item)
            problem = "! wants an item right behind it";
        else if (key->type == TYPE_USERS)
            problem = find_user_problem(item);
        else if (strchr(item, '!'))
            problem = "! stands only before an item";
        if (problem)
            return err_set(err, EINVAL, "%s: in item \"%s%s\": %s", key->name,
                           negated ? "!" : "", item, problem);
    }
    if (items == 0)
        return err_set(err, EINVAL,
                       "%s is empty: write * for all, or leave the key out",
                       key->name);
    return 0;
}

static int
parse_uid(const struct policy_key_info *key, const char *text,
          struct policy_value *value, struct err *err)
{
    uint64_t number;

    if (util_parse_number(text, key->max, &number) < 0 || number < key->min)
        return err_set(err, EINVAL,
                       "%s \"%s\" is no uid: give a number from %" PRIu64
                       " to %" PRIu64,
                       key->name, text, key->min, key->max);
    value->number = (int64_t)number;
    return 0;
}

/* Milliseconds of "N" and a unit, or -1. */
static int64_t
duration_ms(const char *text)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
    size_t digits = strspn(text, "0123456789");
    char number[16];
    uint64_t count;

    if (digits == 0 || digits >= sizeof(number))
        return -1;
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (util_parse_number(number, 1000000000, &count) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(text + digits, units[i].name) == 0)
            return (int64_t)count * units[i].ms;
    }
    return -1;
}

static int
parse_duration(const struct policy_key_info *key, const char *text,
               struct policy_value *value, struct err *err)
{
    int64_t ms = duration_ms(text);

    if (ms < 0)
        return err_set(err, EINVAL,
                       "%s \"%s\" is no duration: give a whole number and ms, "
                       "s, min or h, like %s",
                       key->name, text, key->fallback);
    if ((uint64_t)ms < key->min || (uint64_t)ms > key->max)
        return err_set(err, EINVAL,
                       "%s \"%s\" is out of range: give %" PRIu64
                       "ms to %" PRIu64 "s",
                       key->name, text, key->min, key->max / 1000);
    value->number = ms;
    return 0;
}

int
policy_values_parse(enum policy_key key, const char *text,
                    struct policy_value *value, struct err *err)
{
    const struct policy_key_info *info = &policy_keys[key];
    int result = 0;

    if (!*text)
        return err_set(err, EINVAL,
                       "%s has no value: give one (the default is %s), or "
                       "leave the key out",
                       info->name, info->fallback);
    value->number = 0;
    switch (info->type) {
    case TYPE_PATH:
        result = parse_path(text, value, err);
        break;
    case TYPE_GROUP:
        result = parse_group(text, value, err);
        break;
    case TYPE_CHOICE:
        result = parse_choice(info, text, value, err);
        break;
    case TYPE_USERS:
    case TYPE_PATTERNS:
        result = parse_list(info, text, err);
        break;
    case TYPE_UID:
        result = parse_uid(info, text, value, err);
        break;
    case TYPE_DURATION:
        result = parse_duration(info, text, value, err);
        break;
    }
    if (result == 0)
        value->text = text;
    return result;
}

bool
policy_values_is_name(const char *name)
{
    const char *end = name;

    while (util_is_name_char(*end) || *end == '.' || *end == '-')
        end++;
    return end > name && !*end;
}

mode_t
policy_mode(const struct policy_section *section)
{
    return policy_number(section, KEY_MODE) == MODE_2775 ? 02775 : 02770;
}

void
policy_add_title(const struct policy_section *section, struct text *text)
{
    text_addf(text, "[cache%s%s]", *section->name ? " " : "", section->name);
}

void
policy_add_origin(const struct origin *origin, struct text *text)
{
    if (origin->line)
        text_addf(text, "%s:%u", origin->file, origin->line);
    else
        text_add(text, "built-in default");
}
