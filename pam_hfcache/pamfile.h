/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One file of PAM's configuration as libpam splits it into lines and tokens.
 *
 * Measured against libpam 1.5 and read in 1.7: a `#` ends its line for good;
 * a `\` at the end of what is left, blanks aside, goes on in the next line;
 * blank and comment lines within such a line count for nothing; a `\` before
 * the end of the file refuses the whole file.
 */
#ifndef HFCACHE_PAMFILE_H
#define HFCACHE_PAMFILE_H

#include "util.h"

#define PAMFILE_BLANKS " \t\n" /* what libpam splits a line at */

/* One line as PAM sees it: continuation lines joined. */
struct pamline {
    char *text;            /* owned; the tokens below point into it */
    const char *type;      /* "session", "-session", "@include", ... */
    const char *control;   /* "" if missing; without its brackets */
    const char *module;    /* module or included file; "" if missing */
    const char *arguments; /* the rest, "" if none */
    unsigned number;       /* of its first physical line */
    size_t begin, end;     /* its bytes in the file, last newline included */
};

/* The lines of one file. */
struct pamfile {
    struct pamline *line;
    size_t count;
    bool unfinished; /* the last line ends in a backslash: libpam refuses it */
};

/*
 * Split a file's text into lines.  0 and the caller frees with
 * pamfile_free(), or -ENOMEM.
 */
int pamfile_parse(const char *data, size_t length, struct pamfile *ret);
void pamfile_free(struct pamfile *file);

/*
 * The next token of `*cursor`, terminated in place and without its brackets; ""
 * if there is none.
 */
const char *pamfile_take(char **cursor);

/* True if the line is of `type` ("auth", "session"), "-" or not. */
bool pamfile_line_is(const struct pamline *line, const char *type);

/* True if `module`, with or without a folder, is the file `name`. */
bool pamfile_module_is(const char *module, const char *name);

#endif
