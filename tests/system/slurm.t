#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The README's TaskProlog, in a Slurm of one node: slurmctld, slurmd, munged,
# and jobs of alice's.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
for tool in slurmctld slurmd srun munged; do
    command -v "$tool" > /dev/null ||
        skip_all "no $tool; tests/system/packages recipes installs it"
done

# --- one node -----------------------------------------------------------------

# Names are looked up for addresses other than those of loopback alone.
ip addr add 192.0.2.1/32 dev lo
hostname gpu01
echo "192.0.2.1 gpu01" >> /etc/hosts
mkdir -p /etc/slurm /srv/slurm/{controller,node}
cat > /etc/slurm/slurm.conf <<'END'
ClusterName=test
SlurmctldHost=gpu01(192.0.2.1)
SlurmUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
SwitchType=switch/none
MpiDefault=none
StateSaveLocation=/srv/slurm/controller
SlurmdSpoolDir=/srv/slurm/node
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurmctld.log
SlurmdLogFile=/var/log/slurmd.log
TaskProlog=/etc/slurm/taskprolog
NodeName=gpu01 NodeAddr=192.0.2.1 CPUs=1 State=UNKNOWN
PartitionName=all Nodes=gpu01 Default=YES State=UP
END
recipe '^# /etc/slurm/taskprolog' | install -m 755 /dev/stdin \
    /etc/slurm/taskprolog

start_munge() {
    install -d -o munge -g munge /run/munge /var/log/munge /var/lib/munge
    head -c 128 /dev/urandom |
        install -D -m 400 -o munge -g munge /dev/stdin /etc/munge/munge.key
    setpriv --reuid munge --regid munge --clear-groups munged
}

node_is_idle() {
    sinfo -h -o %T 2> /dev/null | grep -q idle
}

install_project
quietly hfcache setup
users alice bob
usermod -aG hf-users alice
start_munge && slurmctld && slurmd
ok "a node of Slurm waits for jobs" wait_for 30 node_is_idle || {
    tail -n 20 /var/log/slurmd.log /var/log/slurmctld.log | diag_stream
    done_testing
}

# --- jobs ---------------------------------------------------------------------

# job USER COMMAND [NAME=VALUE...]: what it prints as a task of USER's.
job() {
    local user=$1 command=$2
    shift 2
    (cd /tmp && setpriv --reuid "$user" --regid "$user" --init-groups \
        --reset-env "$@" timeout 60 srun -n 1 sh -c "$command") 2>&1
}

out=$(job alice "$LOOK; umask 077; touch $CACHE/hub/by-slurm")
like "$(head -n 1 <<< "$out")" '^groups: alice hf-users$' \
    "a task has the lasting membership"
is "$(tail -n +2 <<< "$out")" \
    "$(hfcache env alice --format env-file | LC_ALL=C sort)" \
    "and each variable, none of them quoted"
is "$(stat -c '%U:%G %a' $CACHE/hub/by-slurm)" "alice:hf-users 660" \
    "what it writes is the group's, whatever the umask"
is "$(job alice "$LOOK" env HF_HOME=/scratch/alice | tail -n +2)" \
    "HF_HOME=/scratch/alice" "an HF_HOME of the job's own wins, and alone"

printf '[cache]\nservices = sshd\n' > "$POLICY"
is "$(job alice "$LOOK")" "groups: alice hf-users" \
    "a policy for sshd alone: no variable"
printf '[cache]\nservices = slurm\n' > "$POLICY"
like "$(job alice "$LOOK")" "HF_HOME=$CACHE" "a policy for the service slurm"
printf '[cache]\nmembership = require\n' > "$POLICY"
like "$(job bob 'echo "ran, HF_HOME=${HF_HOME-}"')" 'ran, HF_HOME=$' \
    "whom a login would leave out: the job runs without"
echo 'colour = blue' > "$POLICY"
like "$(job alice 'echo "ran, HF_HOME=${HF_HOME-}"')" 'ran, HF_HOME=$' \
    "a refused policy: the job runs without"
rm "$POLICY"
mv /usr/local/bin/hfcache "$WORK"
like "$(job alice 'echo "ran, HF_HOME=${HF_HOME-}"')" 'ran, HF_HOME=$' \
    "no hfcache any more: the job runs without"
done_testing
