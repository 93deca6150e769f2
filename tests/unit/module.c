/* SPDX-License-Identifier: BSD-3-Clause */
/* The module as a shared object: it loads whole, often, and leaves nothing. */
#include "tap.h"

#include <dlfcn.h>

static const char *
module(void)
{
    static char path[4096];
    const char *build = getenv("BUILD");

    snprintf(path, sizeof(path), "%s/pam_hfcache.so", build ? build : "build");
    if (access(path, R_OK) != 0)
        SKIP("BUILD names no folder with the module in it");
    return path;
}

static void *
load(void)
{
    void *handle = dlopen(module(), RTLD_NOW | RTLD_LOCAL);

    if (!handle) {
        CHECK_STR(dlerror(), "no error");
        exit(EXIT_FAILURE);
    }
    return handle;
}

TEST("the module loads with every symbol resolved, again and again")
{
    for (int i = 0; i < 100; i++) {
        void *handle = load();

        CHECK(dlsym(handle, "pam_sm_open_session") != NULL);
        CHECK_INT(dlclose(handle), 0);
    }
}

TEST("two handles on it are one module")
{
    void *first = load(), *second = load();

    CHECK(dlsym(first, "pam_sm_setcred") == dlsym(second, "pam_sm_setcred"));
    dlclose(first);
    CHECK(dlsym(second, "pam_sm_setcred") != NULL);
    dlclose(second);
}

TEST("the module has each hook that libpam asks for, and nothing else")
{
    void *handle = load();

    CHECK(dlsym(handle, "pam_sm_authenticate") != NULL);
    CHECK(dlsym(handle, "pam_sm_setcred") != NULL);
    CHECK(dlsym(handle, "pam_sm_open_session") != NULL);
    CHECK(dlsym(handle, "pam_sm_close_session") != NULL);
    CHECK(dlsym(handle, "pam_sm_acct_mgmt") != NULL);
    CHECK(dlsym(handle, "pam_sm_chauthtok") != NULL);
    CHECK(dlsym(handle, "policy_load") == NULL);
    dlclose(handle);
}

TAP_MAIN
