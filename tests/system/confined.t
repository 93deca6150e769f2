#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Without statx, openat2, close_range, faccessat2, fchmodat2 (and clone3), which
# an old kernel does not know and an old filter forbids: logins, menders and
# commands do the same as with them.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

build /usr/local/bin/confined "$SYSTEM/confined.c" "$SRC/tests/pam/confine.c"
/usr/local/bin/confined ENOSYS true || skip_all "no filter may be set here"
install_project
users alice bob
policy <<< $'[cache]\nfresh = 0s\ndeadline = 5s'

# A repository of alice's that was moved in: closed to the group, of her own.
moved_in() { # NAME
    install -d -o alice -g alice -m 750 "$CACHE/hub/$1" "$CACHE/hub/$1/blobs"
    install -o alice -g alice -m 640 /dev/null "$CACHE/hub/$1/blobs/b0"
    echo x > "$CACHE/hub/$1/blobs/b0"
    touch -d '1 hour ago' "$CACHE/hub/$1/blobs/b0"
}

shape() { # NAME
    (cd "$CACHE/hub" && find "$1" -printf '%y %m %u %g %p\n' | sort -k5)
}
MENDED="d 2770 alice hf-users NAME
d 2770 alice hf-users NAME/blobs
f 640 alice hf-users NAME/blobs/b0"

for error in ENOSYS EPERM; do
    here=(confined "$error")
    ok "$error: setup" quietly "${here[@]}" hfcache setup
    is "$(stat -c '%a %G' "$CACHE" "$CACHE/hub" "$CACHE/hub/.locks" | xargs)" \
        "2750 hf-users 2770 hf-users 2770 hf-users" "$error: setup: its folders"
    ok "$error: a second setup has nothing to do" \
        quietly "${here[@]}" hfcache setup
    ok "$error: enable" quietly "${here[@]}" hfcache enable su
    ok "$error: a healthy tree is healthy" quietly "${here[@]}" hfcache check

    for user in alice bob; do
        forget "$user"
        no_state
        mark_log
        "${here[@]}" su "$user" -s /bin/true
        is "$?" 0 "MUST 2.6.1: $error: su: $user's login succeeds"
        is_field "$user" state usable "$error: su: and sees the cache"
        ok "$error: su: and makes the user a lasting member" \
            in_etc_group "$user"
    done

    name=models--a--$error
    moved_in "$name"
    "${here[@]}" su alice -s /bin/true
    wait_for 10 no_helper
    is "$(shape "$name")" "${MENDED//NAME/$name}" "$error: alice's login mends"

    moved_in "$name-2"
    "${here[@]}" hfcache check > "$WORK/out"
    is "$?" 1 "$error: check finds what was moved in"
    quietly "${here[@]}" hfcache repair
    is "$(shape "$name-2")" "${MENDED//NAME/$name-2}" "$error: repair mends it"
    "${here[@]}" hfcache check --full > "$WORK/out"
    is "$?" 0 "$error: and check finds nothing more" ||
        diag_stream < "$WORK/out"

    # Another mount, which must not be entered.
    install -d -m 755 "$CACHE/hub/$name/snapshots"
    install -d -o alice -g hf-users -m 750 /srv/elsewhere
    install -o alice -g hf-users -m 666 /dev/null /srv/elsewhere/file
    mount --bind /srv/elsewhere "$CACHE/hub/$name/snapshots"
    before=$(stat -c '%a %u %g %Z' /srv/elsewhere /srv/elsewhere/file)
    "${here[@]}" hfcache repair > "$WORK/out" 2>&1
    "${here[@]}" su alice -s /bin/true
    wait_for 10 no_helper
    is "$(stat -c '%a %u %g %Z' /srv/elsewhere /srv/elsewhere/file)" "$before" \
        "MUST 2.5.6: $error: another mount is not entered"
    umount "$CACHE/hub/$name/snapshots"
    rmdir "$CACHE/hub/$name/snapshots"
done
done_testing
