/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads PAM scripts; see script.h for what they look like. */
#include "script.h"

#include <regex.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONSTANT(name)                                                        \
    {                                                                         \
        #name, name                                                           \
    }

static const struct {
    const char *name;
    int value;
} constants[] = {
    CONSTANT(PAM_SUCCESS),        CONSTANT(PAM_IGNORE),
    CONSTANT(PAM_PERM_DENIED),    CONSTANT(PAM_AUTH_ERR),
    CONSTANT(PAM_CRED_ERR),       CONSTANT(PAM_CRED_UNAVAIL),
    CONSTANT(PAM_SESSION_ERR),    CONSTANT(PAM_MODULE_UNKNOWN),
    CONSTANT(PAM_USER_UNKNOWN),   CONSTANT(PAM_SYSTEM_ERR),
    CONSTANT(PAM_BUF_ERR),        CONSTANT(PAM_ABORT),
    CONSTANT(PAM_SILENT),         CONSTANT(PAM_ESTABLISH_CRED),
    CONSTANT(PAM_DELETE_CRED),    CONSTANT(PAM_REINITIALIZE_CRED),
    CONSTANT(PAM_REFRESH_CRED),   CONSTANT(PAM_ACCT_EXPIRED),
    CONSTANT(PAM_DISALLOW_NULL_AUTHTOK),
};

int
script_constant(const char *name)
{
    for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++)
        if (strcmp(constants[i].name, name) == 0 ||
            strcmp(constants[i].name + strlen("PAM_"), name) == 0)
            return constants[i].value;
    return -1;
}

static void *
grow(void *array, size_t count, size_t size)
{
    void *grown = reallocarray(array, count + 1, size);

    if (!grown)
        abort();
    return grown;
}

static char *
copy(const char *text)
{
    char *copied = strdup(text);

    if (!copied)
        abort();
    return copied;
}

static void
start_block(struct script *script, char *line, unsigned number)
{
    struct block *block;
    size_t length = strcspn(line, " ");

    script->block = grow(script->block, script->count, sizeof(*block));
    block = &script->block[script->count++];
    memset(block, 0, sizeof(*block));
    snprintf(block->word, sizeof(block->word), "%.*s", (int)length, line);
    block->arguments = copy(line[length] ? line + length + 1 : "");
    block->number = number;
}

static void
add_line(struct block *block, const char *line)
{
    block->line = grow(block->line, block->count, sizeof(char *));
    block->line[block->count++] = copy(line);
}

static bool
take_line(struct script *script, char *line, unsigned number)
{
    line[strcspn(line, "\n")] = '\0';
    if (number == 1 && line[0] == '#') {
        script->name = copy(line + strspn(line, "# "));
        return true;
    }
    if (line[0] == '\0' || strcmp(line, "#") == 0 ||
        strncmp(line, "# ", 2) == 0)
        return true;
    if (line[0] == '%') {
        start_block(script, line + 1, number);
        return true;
    }
    if (script->count == 0) {
        fprintf(stderr, "# %s:%u: a line before the first %%WORD\n",
                script->path, number);
        return false;
    }
    add_line(&script->block[script->count - 1], line);
    return true;
}

bool
script_read(const char *path, struct script *ret)
{
    struct script script = {.path = path};
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool fine = true;

    if (!file) {
        perror(path);
        return false;
    }
    for (unsigned number = 1; fine && getline(&line, &size, file) >= 0;
         number++)
        fine = take_line(&script, line, number);
    free(line);
    fclose(file);
    if (fine && !script.name) {
        fprintf(stderr, "# %s:1: should be a comment, the name\n", path);
        fine = false;
    }
    if (fine)
        *ret = script;
    return fine;
}

char *
script_text(const struct block *block)
{
    size_t length = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        abort();
    for (size_t i = 0; i < block->count; i++)
        fprintf(out, "%s\n", block->line[i]);
    fclose(out);
    return text;
}

/* The length of the part that both must have: up to a regular expression. */
static size_t
plain_length(const char *wanted)
{
    size_t word = strcspn(wanted, " ");

    if (wanted[0] == '/')
        return 0;
    return wanted[word] == ' ' && wanted[word + 1] == '/' ? word + 1 : 0;
}

bool
script_matches(const char *wanted, const char *got)
{
    size_t plain = plain_length(wanted), length = strlen(wanted);
    char *expression;
    regex_t regex;
    bool matches;

    if (wanted[plain] != '/' || length < plain + 2 ||
        wanted[length - 1] != '/')
        return strcmp(wanted, got) == 0;
    if (strncmp(wanted, got, plain) != 0)
        return false;
    expression = copy(wanted + plain + 1);
    expression[strlen(expression) - 1] = '\0';
    if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) != 0) {
        fprintf(stderr, "# no regular expression: %s\n", expression);
        abort();
    }
    matches = regexec(&regex, got + plain, 0, NULL, 0) == 0;
    regfree(&regex);
    free(expression);
    return matches;
}
