/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The conversation of a login that nobody watches: all is answered with nothing.
 */
#ifndef CONVERSE_H
#define CONVERSE_H

#include <security/pam_appl.h>
#include <stdlib.h>

static int
converse(int count, const struct pam_message **messages,
         struct pam_response **responses, void *data)
{
    (void)messages;
    (void)data;
    *responses = calloc((size_t)count, sizeof **responses);
    return *responses != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

#endif
