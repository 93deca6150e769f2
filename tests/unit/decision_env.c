/* SPDX-License-Identifier: BSD-3-Clause */
/* The variables of a login. */
#include "tap.h"


#include "decision.h"

static struct subject
alice(void)
{
    return (struct subject){.user = "alice",
                            .uid = 1000,
                            .gid = 1000,
                            .home = "/home/alice",
                            .service = "sshd",
                            .host = "gpu01"};
}

/*
 * The variables under the policy `text` in its first section, one a line; or
 * the sentence with which they are refused.
 */
static const char *
variables_of(const char *text, const struct subject *subject)
{
    static char buffer[8192];
    struct text out = TEXT_INIT(buffer);
    struct environment environment;
    struct policy policy;
    struct err err = {0, ""};

    buffer[0] = '\0';
    if (policy_load_text("F", text, strlen(text), &policy, &err) < 0) {
        text_addf(&out, "policy: %s", err.text);
        return buffer;
    }
    memset(&environment, 0, sizeof(environment));
    if (decision_environment(&policy, &policy.sections[0], subject,
                             &environment, &err) < 0) {
        text_addf(&out, "refused: %s", err.text);
        CHECK_INT(environment.count, 0);
    }
    for (size_t i = 0; i < environment.count; i++)
        text_addf(&out, "%s\n", environment.variable[i].assignment);
    decision_free_environment(&environment);
    policy_free(&policy);
    return buffer;
}

static const char *
variables(const char *text)
{
    struct subject subject = alice();

    return variables_of(text, &subject);
}

/* One line of them; NULL if `name` is not set. */
static const char *
variable(const char *text, const char *name)
{
    static char line[600];
    const char *all = variables(text);
    size_t length = strlen(name);

    for (; *all; all += strcspn(all, "\n") + 1)
        if (strncmp(all, name, length) == 0 && all[length] == '=') {
            snprintf(line, sizeof(line), "%.*s",
                     (int)strcspn(all + length + 1, "\n"), all + length + 1);
            return line;
        }
    return NULL;
}

TEST("a shared home shares the cache and nothing that is secret or code")
{
    CHECK_STR(variables(""),
              "HF_HOME=/srv/huggingface\n"
              "HF_TOKEN_PATH=/home/alice/.cache/huggingface/token\n"
              "HF_MODULES_CACHE=/home/alice/.cache/huggingface/modules\n"
              "KERNELS_CACHE=/home/alice/.cache/huggingface/kernels\n"
              "HF_XET_CACHE=/home/alice/.cache/huggingface/xet\n"
              "HF_ASSETS_CACHE=/home/alice/.cache/huggingface/assets\n"
              "HF_DATASETS_CACHE=/home/alice/.cache/huggingface/datasets\n"
              "HF_EVALUATE_CACHE=/home/alice/.cache/huggingface/evaluate\n"
              "HF_METRICS_CACHE=/home/alice/.cache/huggingface/metrics\n"
              "HF_LEROBOT_HOME=/home/alice/.cache/huggingface/lerobot\n"
              "TRACKIO_DIR=/home/alice/.cache/huggingface/trackio\n");
}

TEST("a private home shares the hub cache alone")
{
    CHECK_STR(variables("[cache]\nhome = private\npath = /data/hf\n"),
              "HF_HOME=/home/alice/.cache/huggingface\n"
              "HF_HUB_CACHE=/data/hf/hub\n"
              "HUGGINGFACE_HUB_CACHE=/data/hf/hub\n"
              "KERNELS_CACHE=/home/alice/.cache/huggingface/kernels\n");
}

TEST("datasets go where the policy says")
{
    CHECK(!variable("[cache]\ndatasets = shared\n", "HF_DATASETS_CACHE"));
    CHECK_STR(variable("[cache]\nhome = private\ndatasets = shared\n",
                       "HF_DATASETS_CACHE"),
              "/srv/huggingface/datasets");
}

TEST("[env] adds variables, and beats a companion")
{
    static const char text[] =
        "[env]\nHF_HUB_ETAG_TIMEOUT = 3\nHF_XET_CACHE = /scratch/%u/xet\n"
        "TORCH_HOME=%h/torch\n";

    CHECK_STR(variable(text, "HF_HUB_ETAG_TIMEOUT"), "3");
    CHECK_STR(variable(text, "HF_XET_CACHE"), "/scratch/alice/xet");
    CHECK_STR(variable(text, "TORCH_HOME"), "/home/alice/torch");
    CHECK_STR(variable(text, "HF_HOME"), "/srv/huggingface");
}

TEST("an empty value leaves a companion out, or a variable of [env]")
{
    static const char text[] = "[cache lab]\npath = /srv/lab\nusers = *\n"
                               "[env]\nHF_XET_CACHE =\nHF_HUB_OFFLINE = 1\n"
                               "[env lab]\nHF_HUB_OFFLINE =\n";

    CHECK(!variable(text, "HF_XET_CACHE"));
    CHECK(!variable(text, "HF_HUB_OFFLINE"));
    CHECK_STR(variable(text, "HF_HOME"), "/srv/lab");
    CHECK(variable(text, "HF_ASSETS_CACHE") != NULL);
}

TEST("[env NAME] inherits [env] and beats it")
{
    static const char text[] =
        "[env lab]\nHF_A = lab\nHF_C = only\n"
        "[env]\nHF_A = all\nHF_B = all\n"
        "[cache lab]\npath = /srv/lab\nusers = *\n"
        "[cache other]\npath = /srv/other\nusers = *\n"
        "[env other]\nHF_B = other\n";

    CHECK_STR(variable(text, "HF_A"), "lab");
    CHECK_STR(variable(text, "HF_B"), "all");
    CHECK_STR(variable(text, "HF_C"), "only");
}

TEST("no variable is given twice")
{
    const char *all = variables("[cache lab]\npath=/srv/lab\nusers=*\n"
                                "[env]\nHF_XET_CACHE=/a\nKERNELS_CACHE=/b\n"
                                "[env lab]\nHF_XET_CACHE=/c\n");
    const char *first = strstr(all, "HF_XET_CACHE=");

    REQUIRE(first != NULL);
    CHECK_HAS(first, "HF_XET_CACHE=/c\n");
    CHECK_HAS_NOT(first + 1, "HF_XET_CACHE=");
    first = strstr(all, "KERNELS_CACHE=");
    REQUIRE(first != NULL);
    CHECK_HAS_NOT(first + 1, "KERNELS_CACHE=");
}

TEST("expansions are made once, and not of what they bring")
{
    struct subject subject = alice();

    subject.user = "al%hice";
    subject.home = "/home/%u%p";
    CHECK_HAS(variables_of("[env]\nHF_A = %u|%U|%h|%p|%%u|100%%\n", &subject),
              "\nHF_A=al%hice|1000|/home/%u%p|/srv/huggingface|%u|100%\n");
}

TEST("an unknown expansion is refused with its line")
{
    CHECK_STR(variables("[env]\nHF_A = %x\n"),
              "policy: F:2: HF_A: \"%x\" is not known: give %u (user), %U "
              "(uid), %h (home), %p (path) or %%");
    CHECK_HAS(variables("[env]\nHF_A = 100%\n"), "policy: F:2: HF_A: \"%\"");
    CHECK_HAS(variables("[env]\nHF_A = %%%\n"), "policy: F:2: HF_A: \"%\"");
}

TEST("what a shell would replace is refused")
{
    static const char *const bad[] = {"~/x", "~", "$HOME/x", "/s/${USER}",
                                      "/s/$_x/y"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP_FREE char *text = util_format("[env]\nHF_A = %s\n", bad[i]);

        if (!CHECK_HAS(variables(text), "policy: F:2: HF_A: no shell replaces"))
            tap_note("%s", bad[i]);
    }
    CHECK_HAS(variables("[env]\nHF_A = /a~/$(x)/$1$\n"),
              "\nHF_A=/a~/$(x)/$1$\n");
    CHECK_HAS(variables("[env]\nHF_A = 5 $HOME\n"), "\nHF_A=5 $HOME\n");
}

TEST("only variables of the Hub and of a short list may be set")
{
    static const char *const good[] = {
        "HF_X", "HUGGINGFACE_X", "TORCH_HOME", "TORCH_EXTENSIONS_DIR",
        "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "VLLM_CACHE_ROOT",
        "SENTENCE_TRANSFORMERS_HOME", "LLAMA_CACHE", "TRACKIO_DIR",
        "KERNELS_CACHE",
    };
    static const char *const bad[] = {
        "LD_PRELOAD", "PATH", "HOME", "PYTHONPATH", "TORCH_HOMES", "hf_x",
        "XHF_", "TRACKIO_DIRS", "TORCH", "HF", "BASH_ENV", "HF_x",
    };
    char text[100], wanted[100];

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        snprintf(text, sizeof(text), "[env]\n%s = /x\n", good[i]);
        CHECK_STR(variable(text, good[i]), "/x");
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof(text), "[env]\n%s = /x\n", bad[i]);
        snprintf(wanted, sizeof(wanted),
                 "policy: F:2: variable \"%s\" is not allowed: give ", bad[i]);
        CHECK_HAS(variables(text), wanted);
    }
}

TEST("variables that decide the cache, or are secrets, are refused")
{
    static const char *const refused[] = {
        "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN",
        "HUGGING_FACE_HUB_TOKEN", "TRANSFORMERS_CACHE",
    };
    char text[100], wanted[100];

    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        snprintf(text, sizeof(text), "[env]\n%s = /x\n", refused[i]);
        snprintf(wanted, sizeof(wanted), "policy: F:2: %s can't be set here: ",
                 refused[i]);
        CHECK_HAS(variables(text), wanted);
    }
}

TEST("tokens, modules and kernels never lie in the shared cache")
{
    static const char *const names[] = {"HF_TOKEN_PATH", "HF_MODULES_CACHE",
                                        "KERNELS_CACHE"};
    static const char *const values[] = {
        "/srv/huggingface/x", "/srv/huggingface", "%p/x", "%p",
        "/srv/./huggingface/x", "/srv//huggingface/x",
        "/srv/huggingface/../huggingface/x", "/srv/x/../huggingface/y", "x",
        "~/x", "/srv/huggingface/.", "/srv/huggingface/%u",
    };
    char text[200];

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            snprintf(text, sizeof(text), "[env]\n%s = %s\n", names[i],
                     values[j]);
            CHECK_HAS(variables(text), "policy: F:2: ");
            CHECK_HAS(variables(text), names[i]);
        }
    CHECK_STR(variable("[env]\nHF_TOKEN_PATH = /srv/huggingface2/x\n",
                       "HF_TOKEN_PATH"),
              "/srv/huggingface2/x");
    CHECK_STR(variable("[env]\nKERNELS_CACHE = /opt/kernels\n",
                       "KERNELS_CACHE"),
              "/opt/kernels");
}

TEST("a home that is no plain path, or lies in the cache, sets nothing")
{
    static const struct {
        const char *home, *part;
    } cases[] = {
        {"", "refused: "},
        {"home/alice", "refused: the user's home \"home/alice\" is no"},
        {"/home/al\nice", "refused: the user's home holds a control"},
        {"/srv/huggingface", "lies in the cache /srv/huggingface"},
        {"/srv/huggingface/alice", "lies in the cache /srv/huggingface"},
        {"/srv/./huggingface/alice", "refused: "},
        {"//srv/huggingface/alice", "refused: "},
        {"/srv/x/../huggingface/alice", "refused: "},
    };
    struct subject subject = alice();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        subject.home = cases[i].home;
        if (!CHECK_HAS(variables_of("", &subject), cases[i].part) ||
            !CHECK_HAS(variables_of("", &subject), "refused: "))
            tap_note("  with home %s", cases[i].home);
    }
    subject.home = "/srv/huggingface2";
    CHECK_HAS(variables_of("", &subject),
              "HF_TOKEN_PATH=/srv/huggingface2/.cache/huggingface/token\n");
    subject.home = "/";
    CHECK_HAS(variables_of("", &subject), "HF_HOME=/srv/huggingface\n");
}

TEST("a home or a value that is too long once expanded sets nothing")
{
    struct subject subject = alice();
    char home[5000] = "/", text[200] = "[env]\nHF_A = ";

    memset(home + 1, 'h', sizeof(home) - 2);
    subject.home = home;
    CHECK_HAS(variables_of("", &subject), "refused: ");
    home[100] = '\0';
    CHECK_HAS(variables_of("", &subject), "HF_HOME=");
    for (int i = 0; i < 60; i++)
        strcat(text, "%h");
    strcat(text, "\n");
    CHECK_STR(variables_of(text, &subject),
              "refused: HF_A: the value is too long once expanded");
}

TEST("more variables than there is room for set nothing")
{
    char text[4000] = "[env]\n";
    size_t used = strlen(text);

    for (int i = 0; i < 60; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "HF_V%d = 1\n", i);
    CHECK_HAS(variables(text), "refused: more than 64 variables");
}

TEST("each variable knows where it comes from")
{
    static const char text[] = "[cache]\npath = /srv/x\n[env]\nHF_A = 1\n";
    struct subject subject = alice();
    struct environment environment;
    struct policy policy;

    REQUIRE_INT(policy_load_text("F", text, strlen(text), &policy, NULL), 0);
    REQUIRE_INT(decision_environment(&policy, &policy.sections[0], &subject,
                                     &environment, NULL),
                0);
    CHECK_HAS(environment.variable[0].assignment, "HF_HOME=/srv/x");
    CHECK_INT(environment.variable[0].origin.line, 2);
    CHECK_INT(environment.variable[1].origin.line, 0);
    CHECK_HAS(environment.variable[environment.count - 1].assignment,
              "HF_A=1");
    CHECK_INT(environment.variable[environment.count - 1].origin.line, 4);
    decision_free_environment(&environment);
    policy_free(&policy);
}

TAP_MAIN
