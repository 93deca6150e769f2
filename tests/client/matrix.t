#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Two users of the default policy share one cache through the real client:
# alice begins, bob goes on, alice comes back; with every kind of client, and
# with every umask that people have.  Nothing that either does may fail.  The
# same steps in a plain setgid folder come first: they do fail.  The README's table
# of clients is what comes out.

# shellcheck source=tests/client/lib.sh
. "$(dirname "$0")/lib.sh" 2.4 1.31 1.3 0.36 0.36-lock

CLIENTS="2.4 1.31 1.3 0.36 0.36-lock"
UMASKS="022 002 077"
HEAD=
TABLE=()
REMARKS=()

# --- what each does: REPO is alice's, OTHER was begun by bob -----------------

begin() {
    printf '%s\n' \
        "A-file=file,$REPO,config.json" "A-lfs=file,$REPO,plain.bin" \
        "A-xet=file,$REPO,model.bin" \
        "A-snap=snapshot,$REPO,*.json,common.bin" \
        "A-404=absent,$REPO,missing-a" "A-part=partial,$REPO,big.bin"
}

go_on() {
    printf '%s\n' \
        "hit=file,$REPO,config.json" "hit-x=file,$REPO,model.bin" \
        "offl=offline,$REPO,plain.bin" \
        "snap=snapshot,$REPO,*.json,common.bin" \
        "404=absent,$REPO,missing-b" \
        "new=snapshot,$OTHER,*.json,plain.bin,model.bin,common.bin" \
        "add=file,$REPO,nested/deep/notes.txt" "add-x=file,$REPO,late.bin" \
        "forc=force,$REPO,config.json" "forc-x=force,$REPO,model.bin" \
        "resum=file,$REPO,big.bin" \
        "-=move,models,$REPO" "mv-f=file,$REPO,config.json" \
        "-=move,models,$REPO" "mv-404=absent,$REPO,missing-b" \
        "-=move,models,$REPO" "mv-s=snapshot,$REPO,*.json,model.bin" \
        "scan=scan"
}

come_back() {
    printf '%s\n' \
        "A-sn-o=snapshot,$OTHER,*.json,plain.bin,model.bin" \
        "A-add=file,$OTHER,extra.txt" "A-forc=force,$OTHER,plain.bin" \
        "A-fo-x=force,$OTHER,common.bin" "A-mv-f=file,$REPO,new-2.json" \
        "-=move,models,$OTHER" "A-mv-s=snapshot,$OTHER,*.json" \
        "A-rm=remove,$REPO"
}

# --- the README's table -------------------------------------------------------

# Which of its columns a step counts in, if in any.
declare -A COLUMN
count_in() { # COLUMN LABEL...
    local column=$1 label
    shift
    for label in "$@"; do
        COLUMN[$label]=$column
    done
}
COLUMNS_OF_README="use more again resume revision remove"
count_in use hit hit-x offl snap 404 scan
count_in more new add add-x A-add
count_in again forc forc-x A-forc A-fo-x
count_in resume resum
count_in revision mv-f mv-404 mv-s A-mv-f A-mv-s
count_in remove A-rm

# note_worst LABEL RESULT: no, else warns, else yes, whatever the umask.
declare -A WORST
note_worst() {
    local key=${NAME%/*}:${COLUMN[$1]-}
    case $2:${WORST[$key]-} in
    ok:) WORST[$key]=yes ;;
    ok:* | w:no) ;;
    w:*) WORST[$key]=warns ;;
    *) WORST[$key]=no ;;
    esac
}

# stands ROW NAME: the README has the row NAME, as it came out.
stands() {
    local row="| $2 |" column
    for column in $COLUMNS_OF_README; do
        row+=" ${WORST[$1:$column]-missing} |"
    done
    ok "README.md: $row" grep -qxF -- "$row" "$SRC/README.md"
}

# --- one row of the table ---------------------------------------------------

# turn USER PART: one login of USER, whose results go to FAILED and the row.
turn() {
    local user=$1 steps label result remark
    mapfile -t steps < <("$2")
    FAILED=
    DONE=0
    while IFS=$'\t' read -r label result remark; do
        printf -v head '%s %-6s' "$head" "$label"
        printf -v row '%s %-6s' "$row" "$result"
        DONE=$((DONE + 1))
        note_worst "$label" "$result"
        case $result in
        ok) continue ;;
        w) ;;
        *) FAILED="$FAILED $label=$result" ;;
        esac
        REMARKS+=("$NAME $user $label: $remark")
    done < <(ops "$user" "$CLIENT_NAME" "$MASK" "${steps[@]}")
    EXPECTED=$(printf '%s\n' "${steps[@]}" | grep -vc -- '^-=')
}

# works USER PART: the turn is all ok or w.
works() {
    turn "$@"
    is "$DONE done,$FAILED" "$EXPECTED done," "hub $NAME: $1, ${2/_/ }" ||
        diag "$(tail -n 3 "$WORK/said")"
}

# name_row CLIENT UMASK NAME: the repositories are the row's own.
name_row() {
    CLIENT_NAME=$1
    MASK=$2
    NAME=$3
    REPO=acme/${NAME//\//-}-a
    OTHER=acme/${NAME//\//-}-b
    printf -v head '%-14s' "hub/umask"
    printf -v row '%-14s' "$NAME"
}

end_row() {
    if [ -z "$HEAD" ]; then
        HEAD=$head
        TABLE+=("$head")
    fi
    TABLE+=("$row")
}

# age_locks USER: what a client of this kind leaves takes a login to mend.
age_locks() {
    [ "$CLIENT_NAME" = 0.36-lock ] || return 0
    log_in_again "$1"
    ok "hub $NAME: $1's next login mends the lock files" \
        wait_for 10 locks_mended "$1"
}

# blob REPO FILE: the end of the chain of links.
blob() {
    readlink -f "$CACHE/hub/models--${1//\//--}/snapshots/"*"/$2" | head -n 1
}

# --- the control: a folder as people make it --------------------------------

plain_folder() {
    install -d -m 2775 -o root -g hf-users /srv/plain /srv/plain/hub
    name_row 2.4 022 plain/022
    OPS_AROUND=(env HF_HOME=/srv/plain)
    turn alice begin
    turn bob go_on
    like "$FAILED" "new=13 .*add=13L? .*mv-s=13" \
        "in a plain setgid folder bob cannot go on"
    turn alice come_back
    OPS_AROUND=()
    end_row
}

shared_machine alice bob
as alice 2.4 022 true
plain_folder
for client in $CLIENTS; do
    for mask in $UMASKS; do
        name_row "$client" "$mask" "$client/$mask"
        works alice begin
        age_locks alice
        works bob go_on
        age_locks bob
        [ "$client" != 2.4 ] || is "$(blob "$REPO" common.bin)" \
            "$(blob "$OTHER" common.bin)" \
            "hub $NAME: both repositories have one copy in the shared store"
        works alice come_back
        end_row
    done
done
is "$(find "$CACHE/hub" -type d \( ! -group hf-users -o ! -perm -2070 \
    -o -perm /007 \))" "" "every folder is the group's, setgid and closed"
is "$(find "$CACHE/hub" ! -group hf-users)" "" "and everything else is its"
healthy() {
    log_in_again alice
    log_in_again bob
    hfcache status > "$WORK/status" 2>&1
}
ok "hfcache status finds the cache healthy" wait_for 20 healthy ||
    diag "$(cat "$WORK/status")"

# pinned CLIENT PACKAGE: the version that it is run with, without the last number.
pinned() {
    sed -n "s/^$2==\([0-9]*\.[0-9]*\).*/\1/p" "$CLIENT/requirements-$1.txt"
}
stands plain "$(pinned 2.4 huggingface_hub) in a plain setgid folder"
for client in $CLIENTS; do
    name=$(pinned "$client" huggingface_hub)
    [ "$client" != 0.36-lock ] || name+=", filelock $(pinned "$client" filelock)"
    stands "$client" "$name"
done
is "$(sed -n '/^## Which clients/,/^\*Warns/p' "$SRC/README.md" |
    grep -c '^| [0-9]')" "$((1 + $(wc -w <<< "$CLIENTS")))" \
    "README.md: no other rows"

diag "" "${TABLE[@]}" "" "ok, w: it worked, with a warning; 13, 1: EACCES," \
    "EPERM; 13L: EACCES on a lock file; plain: a folder 2775, no ACL" ""
diag "$(printf '%s\n' "${REMARKS[@]}" | grep -v '^plain/' |
    sed -E 's/[0-9a-f]{40,64}/*/g; s/ [^ ]*acme--[^ /]*/ .../g
        s#/[0-9]+ [a-z]+ # #; s/: (.{,100}).*/: \1/' | sort | uniq -c)"
done_testing
