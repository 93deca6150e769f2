/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each finding is called, how bad it is, and what it means.
 */
#include "layout.h"

#define NOTE LAYOUT_SEVERITY_NOTE
#define DRIFT LAYOUT_SEVERITY_DRIFT
#define ALARM LAYOUT_SEVERITY_ALARM

const struct layout_finding layout_findings[] = {
    {LAYOUT_SECRET, "secret", "a token", ALARM,
     "It is somebody's key to the Hub: who can read it acts as its owner, and "
     "who cannot gets an error from each client that finds it. Its owner revokes "
     "it at the Hub, and removes the file."},
    {LAYOUT_CODE, "code", "code that members can change", ALARM,
     "Clients run what is here, so whoever can change it runs code as "
     "everybody else."},
    {LAYOUT_SETUID, "setuid", "runs as its owner", ALARM,
     "No client makes such a file: whoever runs it gets its owner's rights."},
    {LAYOUT_SPECIAL, "special", "a device, pipe or socket", ALARM,
     "No client makes one, and reading it can hang a client or reach a "
     "device."},
    {LAYOUT_ESCAPE, "escape", "leads out of the cache", ALARM,
     "Who loads this gets whatever lies at the other end, which is not a "
     "download and may be anybody's."},
    {LAYOUT_MISS, "miss", "a miss that holds something", ALARM,
     "Clients note with an empty file that the Hub does not have one; this one "
     "was made by something else, and may hide a file that exists."},
    {LAYOUT_LINKS, "links", "several links", ALARM,
     "It has another name outside of what was looked at, so that who changes "
     "or opens the one does it to the other."},

    {DRIFT_GROUP, "group", "wrong group", DRIFT,
     "It does not belong to the cache's group, so that members have no more "
     "rights to it than anybody."},
    {DRIFT_SETGID, "setgid", "setgid lost", DRIFT,
     "What is made in this folder does not get the cache's group, and is "
     "closed to other members."},
    {DRIFT_CLOSED, "closed", "bits missing", DRIFT,
     "Those who share the cache lack a right to it that clients need: they see "
     "\"Permission denied\"."},
    {DRIFT_OPEN, "open", "too open", DRIFT,
     "It has bits that the layout forbids: somebody can change, or run, what "
     "he should not."},
    {DRIFT_ACL, "acl", "default ACL missing", DRIFT,
     "What a user with a strict umask makes in this folder is closed to other "
     "members."},
    {DRIFT_LOCK, "lock", "closed locks or listings", DRIFT,
     "Other members cannot take a lock in this folder, or read what a "
     "revision holds, and fail or ask the Hub again."},
    {DRIFT_KEPT, "kept", "closed by its owner", DRIFT,
     "Its owner closed it to the group, and nobody else opens it, lest it be "
     "private."},
    {LAYOUT_OWNER, "owner", "not root's", DRIFT,
     "Its owner can close the cache to everybody, or put something else in "
     "its place."},
    {LAYOUT_STICKY, "sticky", "sticky bit", DRIFT,
     "Members cannot replace each other's files in this folder, as clients "
     "must."},
    {LAYOUT_UNSEEN, "unseen", "could not be looked at", DRIFT,
     "Nothing is known of it, nor of what is in it."},
    {LAYOUT_TYPE, "type", "not a folder", DRIFT,
     "It stands in the place of a folder that clients need: they fail, or end "
     "up elsewhere."},

    {LAYOUT_INSIDE, "inside", "several links in the cache", NOTE,
     "All its names are in the cache; a repair leaves it as it is, since who "
     "changes the one changes the others."},
    {LAYOUT_MOUNT, "mount", "another file system", NOTE,
     "Something else is mounted here; a check does not go there."},
    {LAYOUT_UNKNOWN, "unknown", "not a client's", NOTE,
     "No client that is known makes this here, so it is left as it is."},
    {LAYOUT_LEFT, "left", "left by a client", NOTE,
     "Left by a client that was not told to keep it in its user's home; no "
     "member needs it here."},
    {LAYOUT_OLD, "old", "unfinished for a day", NOTE,
     "Left by a client that was stopped; unless it still runs, it only takes "
     "space."},
    {LAYOUT_LISTING, "listing", "closed listing", NOTE,
     "Clients close it when they make it; those of other members ask the Hub "
     "again."},
    {LAYOUT_NAMES, "names", "ACL with names", NOTE,
     "Somebody gave users or groups of his choice rights to it, so it is left "
     "as it is."},
    {LAYOUT_OTHER_ACL, "other-acl", "other default ACL", NOTE,
     "Somebody chose what rights new files in this folder get, so it is left "
     "as it is."},
    {LAYOUT_FILLED, "filled", "not as empty as it should be", NOTE,
     "Clients put next to nothing into such a file, so this one may be "
     "somebody's own, and is left as it is."},
    {0, NULL, NULL, NOTE, NULL},
};

enum layout_severity
layout_worst(unsigned what)
{
    enum layout_severity worst = LAYOUT_SEVERITY_NOTE;

    for (const struct layout_finding *finding = layout_findings; finding->bit;
         finding++) {
        if (what & finding->bit && finding->severity > worst)
            worst = finding->severity;
    }
    return worst;
}

const char *const layout_severity_words[] = {
    [LAYOUT_SEVERITY_NOTE] = "note",
    [LAYOUT_SEVERITY_DRIFT] = "drift",
    [LAYOUT_SEVERITY_ALARM] = "alarm",
};

void
layout_add_findings(unsigned what, struct text *text)
{
    const char *between = "";

    for (const struct layout_finding *finding = layout_findings; finding->bit;
         finding++) {
        if (!(what & finding->bit))
            continue;
        text_addf(text, "%s%s", between, finding->text);
        between = ", ";
    }
}

const char *
layout_acl_text(enum acl_fact acl)
{
    static const char *const texts[] = {
        [ACL_FACT_NONE] = "none",
        [ACL_FACT_2770] = "u::rwx,g::rwx,o::---",
        [ACL_FACT_2775] = "u::rwx,g::rwx,o::r-x",
        [ACL_FACT_OTHER] = "other",
        [ACL_FACT_UNSUPPORTED] = "unsupported",
    };

    return texts[acl];
}
