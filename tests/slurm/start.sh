#!/usr/bin/env bash
# A real SLURM on this machine, for the tests: munged, slurmctld and four slurmd "nodes" on the loopback interface,
# without systemd, cgroups or accounting. Tried with Debian 12 (SLURM 22.05). Run as root; starting twice does no harm.
#
#   start.sh FOLDER             start what is installed; its state, logs and configuration lie in FOLDER
#   start.sh FOLDER --install   install Debian's packages first where they are missing
#
# Exit status 75: cannot be started here (no root, no packages, another SLURM); the last line says why.
set -Eeuo pipefail
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

LAB=$(mkdir -p "$1" && cd "$1" && pwd)
NODES=4
FIRST_WITH_GPUS=3
PACKAGES=(munge slurmctld slurmd slurm-client)
cannot() { echo "SLURM cannot be started here: $*" >&2; exit 75; }
trap 'echo "start.sh failed at line $LINENO; logs are in $LAB/log" >&2' ERR

# ---- may it be started here?
[ "$(id -u)" = 0 ] || cannot "slurmd must start jobs as the submitting user, so it needs root"
for file in slurm.conf gres.conf; do
  link=/etc/slurm/$file
  if [ -e "$link" ] && [ "$(readlink "$link" || true)" != "$LAB/etc/$file" ]; then
    cannot "$link belongs to another SLURM"
  fi
done
missing=()
for package in "${PACKAGES[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  [ "${2:-}" = --install ] || cannot "not installed: ${missing[*]} (ADVMRI_INSTALL_SLURM=1 installs them)"
  command -v apt-get >/dev/null || cannot "no apt-get to install ${missing[*]}"
  # The packages' own services must not start.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
  fi
  mkdir -p "$LAB/log"
  { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$LAB/log/apt.log" 2>&1 ||
    cannot "apt-get could not install ${missing[*]}: $(tail -n 1 "$LAB/log/apt.log")"
fi

# ---- configuration
mkdir -p "$LAB"/{etc,log,run,munge,controller} /etc/slurm
chmod 755 "$LAB" "$LAB/munge"
HOST=$(hostname -s)
getent hosts "$HOST" >/dev/null || echo "127.0.0.1 $HOST" >>/etc/hosts
if [ ! -s "$LAB/munge/key" ]; then
  (umask 077 && head -c 128 /dev/urandom >"$LAB/munge/key")
fi
{
  cat <<CONF
ClusterName=advmri
# The name must be this machine's own, or slurmctld refuses; the address keeps it on the loopback interface.
SlurmctldHost=$HOST(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$LAB/munge/socket
SlurmctldPort=16817
StateSaveLocation=$LAB/controller
SlurmdSpoolDir=$LAB/spool-%n
SlurmctldPidFile=$LAB/run/slurmctld.own.pid
SlurmdPidFile=$LAB/run/slurmd-%n.own.pid
SlurmctldLogFile=$LAB/log/slurmctld.log
SlurmdLogFile=$LAB/log/slurmd-%n.log
MpiDefault=none
SwitchType=switch/none
AccountingStorageType=accounting_storage/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# Without cgroups this kills a job above its memory; the memory is looked at once a second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# From SIGTERM to SIGKILL at a time limit, a scancel or a requeue: SLURM's default.
KillWait=30
CompleteWait=0
MinJobAge=7200
ReturnToService=2
# Jobs of a partition with a higher tier send others back to the queue.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
# Believe the numbers below, not the hardware.
SlurmdParameters=config_overrides
DefMemPerCPU=500
GresTypes=gpu
CONF
  for number in $(seq $NODES); do
    gres=""
    [ "$number" -lt $FIRST_WITH_GPUS ] || gres=" Gres=gpu:fake:6"
    echo "NodeName=n$number NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((17000 + number)) CPUs=8 RealMemory=64000$gres"
  done
  times="DefaultTime=10 MaxTime=1-00:00:00"
  echo "PartitionName=main Nodes=n[1-$((FIRST_WITH_GPUS - 1))] Default=YES $times"
  echo "PartitionName=gpu Nodes=n[$FIRST_WITH_GPUS-$NODES] $times"
  echo "PartitionName=urgent Nodes=n[$FIRST_WITH_GPUS-$NODES] PriorityTier=10 $times"
} >"$LAB/etc/slurm.conf"
# Every GPU needs a device file of its own; any will do.
echo "NodeName=n[$FIRST_WITH_GPUS-$NODES] Name=gpu Type=fake File=/dev/null,/dev/zero,/dev/full,/dev/random,/dev/urandom,/dev/tty" >"$LAB/etc/gres.conf"
# SLURM_CONF alone would not do: Snakemake's job step drops every SLURM_* variable before srun.
for file in slurm.conf gres.conf; do ln -sfn "$LAB/etc/$file" "/etc/slurm/$file"; done

# ---- daemons
running() { [ -s "$LAB/run/$1.pid" ] && kill -0 "$(cat "$LAB/run/$1.pid")" 2>/dev/null; }
start() {
  local name=$1
  shift
  running "$name" && return 0
  setsid nohup "$@" >>"$LAB/log/$name.out" 2>&1 </dev/null &
  echo $! >"$LAB/run/$name.pid"
}
await() {
  local what=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || { echo "$what did not come up:" >&2 && tail -n 5 "$LAB"/log/* >&2; exit 1; }
    sleep 0.1
  done
}
running munged || rm -f "$LAB/munge/socket"
start munged munged --foreground --force --num-threads=2 --key-file="$LAB/munge/key" --socket="$LAB/munge/socket" \
  --pid-file="$LAB/munge/pid" --log-file="$LAB/log/munged.log" --seed-file="$LAB/munge/seed"
await munged 10 munge -n -S "$LAB/munge/socket"
start slurmctld slurmctld -D
await slurmctld 30 timeout 5 scontrol ping
for number in $(seq $NODES); do
  mkdir -p "$LAB/spool-n$number"
  start "slurmd-n$number" slurmd -D -N "n$number"
done
idle() { [ "$(timeout 5 sinfo -h -N -o '%N %t' | sort -u | grep -cE ' (idle|mix|alloc)$')" = $NODES ]; }
await "$NODES nodes" 60 idle
await "a job" 30 timeout 20 srun -N1 -n1 true
sinfo -N
