#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The README's way into a container: its lines, run by alice, with and without
# root's podman, and an image that is busybox alone.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
for tool in podman crun busybox newuidmap; do
    command -v "$tool" > /dev/null ||
        skip_all "no $tool; tests/system/packages recipes installs it"
done

# Nothing that a container could be kept in or shown to the network by.
mkdir -p /etc/containers
cat > /etc/containers/containers.conf <<'END'
[containers]
cgroups = "disabled"
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
END
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' \
    /var/lib/containers/storage /run/containers > /etc/containers/storage.conf
# crun refuses both kinds of control groups side by side.
! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified

# An image of one program, which knows no user and no group; it is asked for its
# ids and what it was given, and it writes.
IMAGE=localhost/busybox
mkdir -p "$WORK/image/bin"
cp "$(command -v busybox)" "$WORK/image/bin/busybox"
for tool in sh id env grep sort touch; do
    ln -s busybox "$WORK/image/bin/$tool"
done
install -m 755 /dev/stdin "$WORK/image/bin/look" <<'END'
#!/bin/sh
id
env | grep -E '^(HF_|KERNELS_|TRACKIO_)' | sort
umask 077
touch "$HF_HOME/hub/$1" "$HF_TOKEN_PATH"
END
tar -C "$WORK/image" -cf /srv/image.tar .
ready alice
by_ssh alice true # the login that makes her a member
WANTED=$(hfcache env alice --format env-file | sort)
LINES_SHOWN=$(recipe '^# a container, as the user')
like "$LINES_SHOWN" ' IMAGE$' "the README has the lines"

# runs NAME HOW: alice runs /home/alice/lines, and what comes of it.
runs() {
    local own=/home/alice/.cache/huggingface
    rm -rf /home/alice/.cache /home/alice/hf.env
    by_ssh alice "export XDG_RUNTIME_DIR=\$HOME; bash -e lines $1" \
        > "$WORK/out" 2> "$WORK/err" || diag_stream < "$WORK/err"
    is "$(sed 1d "$WORK/out")" "$WANTED" "$2: each variable"
    is "$(stat -c '%U:%G %a' "$CACHE/hub/$1")" "alice:hf-users 660" \
        "$2: what is written is alice's and the group's, whatever the umask"
    is "$(stat -c '%U %a' "$own/token")" "alice 600" \
        "$2: the token's place is in alice's own home"
}

# --- a daemon of root's, as docker's is ---------------------------------------

ok "an image for root" quietly podman import /srv/image.tar $IMAGE
mkdir -p /etc/sudoers.d
echo 'alice ALL=(root) NOPASSWD: /usr/bin/podman' > /etc/sudoers.d/alice
sed "s|^podman|sudo podman|; s|IMAGE\$|$IMAGE look \"\$1\"|" \
    <<< "$LINES_SHOWN" > /home/alice/lines
runs by-root "a container of root's"
like "$(head -n 1 "$WORK/out")" "^uid=$(id -u alice) gid=$(id -g alice) groups=(.*,)?$(hf_gid)(,|$)" \
    "a container of root's: alice's ids, and the cache's group"

# --- without root -------------------------------------------------------------

printf '[storage]\ndriver = "vfs"\n' > /etc/containers/storage.conf
ok "an image for alice" quietly by_ssh alice \
    "XDG_RUNTIME_DIR=\$HOME podman import /srv/image.tar $IMAGE"
sed -E "s|--user [^\\]*||; s|--group-add \"[^\"]*\"|--group-add keep-groups|
    s|IMAGE\$|$IMAGE look \"\$1\"|" <<< "$LINES_SHOWN" > /home/alice/lines
runs by-alice "a container of alice's"
done_testing
