/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole of a login: setcred and open_session of the module, with any files,
 * in any host, with any call failing (session_host.h), on a PAM that is ours.
 *
 * Whatever happens, no hook refuses; variables are set all or none; whoever does
 * something says so in one line that cannot be forged; nothing stays open,
 * allocated or blocked.
 *
 * An input is two bytes for the first call that fails, one for how often later
 * ones do, one for the errno, three for the host; then, parted by 0xff: policy,
 * drop-in, KEY.gate, KEY.tree, /etc/group, nsswitch.conf, cgroup, the helper's
 * answer, user, service, and a variable that PAM has already.
 */
#include "session_root.h"
#include "verdict_input.h"

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <syslog.h>

#include "policy.h"

#define MAX_VARIABLES 256
#define MAX_DATA 8

struct pam_handle {
    const char *user, *service;
    char *variable[MAX_VARIABLES]; /* NULL: unset again */
    bool is_ours[MAX_VARIABLES];
    size_t nvariables, tried;
    struct {
        char *name;
        void *data;
        void (*cleanup)(pam_handle_t *pamh, void *data, int status);
    } data[MAX_DATA];
    unsigned login_lines, other_lines, notices;
    char line[2048];
};

/* --- PAM: what is fake of it is not what is looked at -------------------- */

/* libpam's own memory may be short as well. */
static bool
pam_fails(void)
{
    bool fails = host_fails();

    host.active = false;
    return fails;
}

int
pam_get_item(const pam_handle_t *pamh, int item, const void **ret)
{
    *ret = NULL;
    if (item == PAM_USER)
        *ret = pamh->user;
    else if (item == PAM_SERVICE)
        *ret = pamh->service;
    else if (item == PAM_TTY && host.bits & HOST_TTY)
        *ret = host.bits & HOST_DEBUG ? "/dev/pts/7" : "ssh";
    return host_fails() ? PAM_BUF_ERR : PAM_SUCCESS;
}

static size_t
find_data(const pam_handle_t *pamh, const char *name)
{
    size_t i = 0;

    while (i < MAX_DATA && pamh->data[i].name &&
           strcmp(pamh->data[i].name, name) != 0)
        i++;
    MUST(i < MAX_DATA);
    return i;
}

int
pam_get_data(const pam_handle_t *pamh, const char *name, const void **ret)
{
    size_t i = find_data(pamh, name);

    *ret = pamh->data[i].data;
    return pamh->data[i].name ? PAM_SUCCESS : PAM_NO_MODULE_DATA;
}

int
pam_set_data(pam_handle_t *pamh, const char *name, void *data,
             void (*cleanup)(pam_handle_t *, void *, int))
{
    size_t i = find_data(pamh, name);
    bool fails = pam_fails();

    if (!fails && pamh->data[i].name && pamh->data[i].cleanup)
        pamh->data[i].cleanup(pamh, pamh->data[i].data, PAM_DATA_REPLACE);
    if (!fails && !pamh->data[i].name)
        pamh->data[i].name = strdup(name);
    if (!fails) {
        pamh->data[i].data = data;
        pamh->data[i].cleanup = cleanup;
    }
    host.active = true;
    return fails ? PAM_BUF_ERR : PAM_SUCCESS;
}

static size_t
find_variable(const pam_handle_t *pamh, const char *name, size_t length)
{
    size_t i = 0;

    while (i < pamh->nvariables &&
           !(pamh->variable[i] && strncmp(pamh->variable[i], name, length) == 0 &&
             pamh->variable[i][length] == '='))
        i++;
    return i;
}

const char *
pam_getenv(pam_handle_t *pamh, const char *name)
{
    size_t i = find_variable(pamh, name, strlen(name));

    return i < pamh->nvariables ? strchr(pamh->variable[i], '=') + 1 : NULL;
}

int
pam_putenv(pam_handle_t *pamh, const char *assignment)
{
    size_t length = strcspn(assignment, "=");
    size_t i = find_variable(pamh, assignment, length);
    bool fails = assignment[length] && pam_fails();

    host.active = false;
    if (!fails) {
        MUST(i < MAX_VARIABLES && length > 0);
        if (i < pamh->nvariables)
            free(pamh->variable[i]);
        else if (assignment[length])
            pamh->nvariables++;
        pamh->variable[i] = assignment[length] ? strdup(assignment) : NULL;
        pamh->is_ours[i] = assignment[length];
    }
    pamh->tried++;
    host.active = true;
    return fails ? PAM_BUF_ERR : PAM_SUCCESS;
}

const char *
pam_strerror(pam_handle_t *pamh, int status)
{
    (void)pamh;
    MUST(status == PAM_BUF_ERR);
    return "Memory buffer error";
}

/* --- what is said -------------------------------------------------------- */

static void
check_line(const char *line)
{
    MUST(*line);
    for (const unsigned char *at = (const unsigned char *)line; *at; at++)
        MUST((*at >= ' ' && *at != 0x7f) || *at == '\t');
}

void
pam_syslog(const pam_handle_t *pamh, int priority, const char *format, ...)
{
    pam_handle_t *handle;
    char line[sizeof(handle->line)];
    va_list args;
    int length;

    memcpy(&handle, &pamh, sizeof(handle)); /* it is ours */
    host.active = false;
    va_start(args, format);
    length = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    MUST(length > 0 && (size_t)length < sizeof(line));
    check_line(line);
    if (priority != LOG_DEBUG) {
        bool is_login = util_has_prefix(line, "user=");

        handle->login_lines += is_login;
        handle->other_lines += !is_login;
        memcpy(handle->line, line, sizeof(line));
    }
    host.active = true;
}

int
pam_prompt(pam_handle_t *pamh, int style, char **response, const char *format,
           ...)
{
    char text[2048];
    va_list args;

    host.active = false;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    MUST(style == PAM_TEXT_INFO && !response);
    MUST(host.bits & HOST_TTY && !(host.bits & HOST_SILENT));
    check_line(text);
    pamh->notices++;
    host.active = true;
    return PAM_SUCCESS;
}

/* --- the host ------------------------------------------------------------ */

static void
make_folders(void)
{
    static const char *const folders[] = {
        "/etc", "/etc/security", "/etc/security/hfcache.conf.d", "/proc",
        "/proc/self", "/proc/77", "/run", "/run/hfcache"};
    static const char status[] = "Name:\ttmux\nUid:\t1000\t\nGid:\t100\n";
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        snprintf(path, sizeof(path), "%s%s", fuzz_folder(), folders[i]);
        MUST(mkdir(path, 0755) == 0 || errno == EEXIST);
    }
    fuzz_write("proc/77/status", status, strlen(status));
}

/* A file of the host's; an empty one is not there. */
static void
take_file(struct fuzz_bytes *bytes, const char *name)
{
    char *raw = fuzz_string(bytes, '\xff'), *text;
    size_t length = strlen(raw);
    char path[PATH_MAX];

    text = input_text(raw, &length);
    snprintf(path, sizeof(path), "%s/%s", fuzz_folder(), name);
    if (length)
        fuzz_write(name, text, length);
    else
        (void)unlink(path);
    free(raw);
    free(text);
}

static void
take_policy(struct fuzz_bytes *bytes)
{
    static const char barred[] = "[cache]\nusers = *, !@team\n\xff\xff";
    struct fuzz_bytes instead = {barred, sizeof(barred) - 1};

    if (host.bits & HOST_BARRED)
        bytes = &instead;
    take_file(bytes, "etc/security/hfcache.conf");
    take_file(bytes, "etc/security/hfcache.conf.d/more.conf");
}

static void
take_state_file(struct fuzz_bytes *bytes, const char *suffix)
{
    char name[VERDICT_NAME_SIZE], path[PATH_MAX];

    verdict_name(INPUT_PATH, HOST_GID, suffix, name);
    snprintf(path, sizeof(path), "run/hfcache/%s", name);
    take_file(bytes, path);
}

static void
take_host(struct fuzz_bytes *bytes)
{
    static const int errors[] = {ENOMEM, EINTR,  EIO,    EACCES,   EPERM,
                                 ENOENT, EMFILE, ENFILE, EAGAIN,   ENOSPC,
                                 ESTALE, ELOOP,  ENOSYS, ETIMEDOUT, EINVAL};

    memset(&host, 0, sizeof(host));
    host.now_ms = 1000000;
    host.answer_fd = -1;
    host.first = (unsigned)fuzz_number(bytes, 2);
    host.every = (unsigned)fuzz_number(bytes, 1);
    host.error = errors[fuzz_number(bytes, 1) % ARRAY_LEN(errors)];
    if (host.every == 1 && host.error == EINTR)
        host.error = EIO; /* nobody is interrupted for ever */
    host.bits = (unsigned)fuzz_number(bytes, 3);
    host.member = host.bits & HOST_MEMBER;
    if (host.bits & HOST_BECAME) {
        host.own[host.nown++] = 100;
        host.own[host.nown++] = 50;
        if (host.member)
            host.own[host.nown++] = HOST_GID;
    }
    if (host.bits & HOST_OTHER_GROUP)
        host.own[host.nown++] = 4;
}

static uint64_t
open_descriptors(void)
{
    uint64_t found = 0;

    for (int fd = 0; fd < 64; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            found |= UINT64_C(1) << fd;
    return found;
}

/* --- a login ------------------------------------------------------------- */

/* Does the line have this word, which no quoted value forges? */
static bool
has_word(const char *line, const char *word)
{
    bool quoted = false;

    for (const char *at = line; *at; at++) {
        if (quoted && *at == '\\')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && util_has_prefix(at, word))
            return true;
    }
    return false;
}

/* All of ours are there, or none. */
static void
check_variables(const pam_handle_t *pamh, const char *foreign)
{
    bool is_set = pamh->login_lines && has_word(pamh->line, " env=set ");
    size_t ours = 0;

    for (size_t i = 0; i < pamh->nvariables; i++) {
        if (!pamh->variable[i] || !pamh->is_ours[i])
            continue;
        check_line(pamh->variable[i]);
        ours++;
    }
    MUST(is_set ? ours > 0 : ours == 0);
    if (is_set)
        MUST(find_variable(pamh, "HF_HOME", 7) < pamh->nvariables);
    if (*foreign && !is_set)
        MUST(strcmp(pamh->variable[0], foreign) == 0);
}

static void
call_setcred(pam_handle_t *pamh, int flags)
{
    const char *argv[] = {"debug"};
    int r;

    host.active = true;
    r = pam_sm_setcred(pamh, flags, host.bits & HOST_DEBUG ? 1 : 0, argv);
    host.active = false;
    MUST(r == PAM_SUCCESS || r == PAM_IGNORE);
    MUST(pamh->login_lines == 0 && !host.spawned && !host.masked);
    MUST(host.bits & HOST_DEBUG || pamh->other_lines == 0);
    pamh->other_lines = 0;
}

static void
call_session(pam_handle_t *pamh, const char *foreign)
{
    const char *argv[] = {"debug"};
    size_t groups = host.nown, tried = pamh->tried;
    unsigned spawned = host.spawned;
    int r;

    pamh->login_lines = pamh->other_lines = pamh->notices = 0;
    host.active = true;
    r = pam_sm_open_session(pamh, host.bits & HOST_SILENT ? PAM_SILENT : 0,
                            host.bits & HOST_DEBUG ? 1 : 0, argv);
    host.active = false;
    MUST(r == PAM_SUCCESS);
    MUST(pamh->login_lines + pamh->other_lines <= 1 && pamh->notices <= 3);
    MUST(host.spawned - spawned <= 3);
    if (!pamh->login_lines) /* nothing was done, either */
        MUST(groups == host.nown && spawned == host.spawned &&
             tried == pamh->tried && !pamh->notices);
    if (!(host.bits & HOST_AGAIN))
        check_variables(pamh, foreign);
}

static void
end(pam_handle_t *pamh)
{
    for (size_t i = 0; i < MAX_DATA && pamh->data[i].name; i++) {
        if (pamh->data[i].cleanup)
            pamh->data[i].cleanup(pamh, pamh->data[i].data, PAM_SUCCESS);
        free(pamh->data[i].name);
    }
    for (size_t i = 0; i < pamh->nvariables; i++)
        free(pamh->variable[i]);
}

static void
log_in(const char *user, const char *service, const char *foreign)
{
    pam_handle_t pamh = {.user = user, .service = service};
    sigset_t before, after;
    uint64_t descriptors = open_descriptors();

    memset(&before, 0, sizeof(before)); /* libc fills no more than it must */
    memset(&after, 0, sizeof(after));
    (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
    if (*foreign)
        pamh.variable[pamh.nvariables++] = strdup(foreign);
    if (host.bits & HOST_SETCRED)
        call_setcred(&pamh, PAM_ESTABLISH_CRED);
    if (host.bits & HOST_TWICE)
        call_setcred(&pamh, PAM_REINITIALIZE_CRED);
    call_session(&pamh, foreign);
    if (host.bits & HOST_AGAIN)
        call_session(&pamh, foreign);
    MUST(pam_sm_close_session(&pamh, 0, 0, NULL) == PAM_SUCCESS);
    if (host.bits & HOST_BARRED && !host.is_cut && strcmp(user, "alice") == 0)
        MUST(pamh.tried + pamh.login_lines + host.spawned == 0 && !host.added);
    end(&pamh);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
    MUST(memcmp(&before, &after, sizeof(before)) == 0);
    MUST(open_descriptors() == descriptors);
}

FUZZ(data, size)
{
    struct fuzz_bytes bytes = {data, size};
    char *user, *service, *foreign;

    take_host(&bytes);
    make_folders();
    take_policy(&bytes);
    take_state_file(&bytes, "gate");
    take_state_file(&bytes, "tree");
    take_file(&bytes, "etc/group");
    take_file(&bytes, "etc/nsswitch.conf");
    take_file(&bytes, "proc/self/cgroup");
    host.answer = fuzz_string(&bytes, '\xff');
    user = fuzz_string(&bytes, '\xff');
    service = fuzz_string(&bytes, '\xff');
    foreign = fuzz_string(&bytes, '\xff');
    if (!strchr(foreign, '=') || *foreign == '=')
        *foreign = '\0';
    log_in(user, service, foreign);
    free(host.answer);
    free(user);
    free(service);
    free(foreign);
}
