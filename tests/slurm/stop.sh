#!/usr/bin/env bash
# Stop the SLURM that start.sh started in FOLDER, cancel its jobs, remove its links in /etc/slurm and FOLDER itself.
# Only processes whose recorded number still carries the daemon's name are ended.
#
#   stop.sh FOLDER
set -u
LAB=$(cd "$1" 2>/dev/null && pwd) || exit 0

stop() {
  local name=$1 number
  number=$(cat "$LAB/run/$name.pid" 2>/dev/null) || return 0
  if tr '\0' ' ' <"/proc/$number/cmdline" 2>/dev/null | grep -qw "^\S*${name%%-*}"; then
    kill -TERM "$number"
    for _ in $(seq 100); do
      kill -0 "$number" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$number" 2>/dev/null && echo "$name ($number) had to be killed" >&2
  fi
  rm -f "$LAB/run/$name.pid"
}

# Jobs first: their slurmstepd processes outlive slurmd.
if timeout 5 scontrol ping >/dev/null 2>&1; then
  jobs=$(timeout 5 squeue -h -o %A | sort -u)
  # shellcheck disable=SC2086 - one word per job
  [ -z "$jobs" ] || timeout 10 scancel $jobs
  for _ in $(seq 150); do
    [ -n "$(timeout 5 squeue -h -o %A)" ] || break
    sleep 0.2
  done
fi
for file in "$LAB"/run/slurmd-n?.pid; do
  name=${file##*/}
  stop "${name%.pid}"
done
stop slurmctld
stop munged
for file in slurm.conf gres.conf; do
  [ "$(readlink "/etc/slurm/$file" 2>/dev/null)" = "$LAB/etc/$file" ] && rm -f "/etc/slurm/$file"
done
rm -rf "$LAB"
