#!/usr/bin/env bash
# Runs updates that are known to be good and updates that are known to be bad on a private swarm, and
# counts the verdicts: a bad update must never pass, a good one must never fail.
#
#   benches/verdicts.sh [runs of each kind]      needs root and dockerd, as the lab does
#   BUSY=MS benches/verdicts.sh                  simulates a busy machine: each processor is taken
#                                                away for up to MS ms at a time, half of the time;
#                                                good updates are then inconclusive
#
# The good ones are an update, and a broken update that Swarm rolls back. The bad ones lose requests
# for one of four reasons, in turn. Each run is a complete `update` or `broken-update` with its own
# record. Reports of unexpected verdicts are kept in the folder for temporary files.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-10}
program=$(pwd)/${CARGO_TARGET_DIR:-target}/release/rollproof
home=$(mktemp -d)
export ROLLPROOF_HOME=$home
[ -x "$program" ] || { echo 'not built yet: run make driver app' >&2; exit 4; }
# The folder is needed to find the lab: it is kept as long as the lab exists.
hogs=()
trap 'kill "${hogs[@]}" 2>/dev/null || true; "$program" --quiet down && rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

# hog CPU MS runs before everything else on that processor, like time that a hypervisor takes away.
hog() {
  exec chrt -f 90 taskset -c "$1" bash -c '
    while :; do
      ms=$((RANDOM % $0 + 1)) end=$((${EPOCHREALTIME//[.,]/} + ms * 1000))
      while ((${EPOCHREALTIME//[.,]/} < end)); do :; done
      sleep "$(printf "%d.%03d" $((ms / 1000)) $((ms % 1000)))"
    done' "$2"
}
for cpu in ${BUSY:+$(seq 0 $(($(nproc) - 1)))}; do
  hog "$cpu" "$BUSY" &
  hogs+=($!)
done

# stack NAME PROXY PORT HEALTHCHECK GRACE UPDATE ENVIRONMENT
stack() {
  printf '{\n admin off\n}\n:80 {\n reverse_proxy {\n%b\n }\n}\n' "$2" >"$home/$1.caddy"
  cat >"$home/$1.yml" <<STACK
version: "3.8"
services:
  app:
    image: rollproof/app:v1
    environment: {ROLLPROOF_SLOT: "{{.Task.Slot}}", $7}
    networks: [web]
    healthcheck: $4
    stop_grace_period: $5
    deploy:
      replicas: 3
      endpoint_mode: dnsrr
      update_config: $6
      rollback_config: {parallelism: 1, order: start-first, monitor: 1s}
  proxy:
    image: rollproof/caddy:2
    configs: [{source: caddy, target: /etc/caddy/Caddyfile}]
    networks: [web]
    ports: [{target: 80, published: $3, mode: host}]
configs: {caddy: {file: ./$1.caddy}}
networks: {web: {}}
STACK
}

checked='{test: [CMD, /rollproof-app, health], interval: 500ms, timeout: 2s, retries: 3}'
careful='  dynamic a {\n   name tasks.app\n   port 8000\n   refresh 1s\n  }\n  lb_try_duration 2s\n  lb_try_interval 50ms'
stale='  dynamic a {\n   name tasks.app\n   port 8000\n   refresh 20s\n  }'
one_try='  dynamic a {\n   name tasks.app\n   port 8000\n   refresh 1s\n  }'
in_turn='{parallelism: 1, order: start-first, delay: 1s, monitor: 1s, failure_action: rollback}'

stack good "$careful" 8081 "$checked" 10s "$in_turn" 'A: "1"'
stack stale "$stale" 8082 "$checked" 10s "$in_turn" 'A: "1"'
stack killed "$careful" 8083 "$checked" 1s "$in_turn" 'A: "1"'
stack outage "$careful" 8084 "$checked" 10s '{parallelism: 0, order: stop-first}' 'A: "1"'
stack early "$one_try" 8085 '{disable: true}' 10s '{parallelism: 1, order: start-first, delay: 3s}' 'ROLLPROOF_START_DELAY: 2s'

declare -A counts=()
# once KIND STACK COMMAND… counts the verdict of one run.
once() {
  local kind=$1 stack=$2 code=0
  shift 2
  "$program" --quiet deploy --engine lab -c "$home/$stack.yml" "$stack"
  "$program" --quiet "$@" --baseline 3s --json "$stack" >"$home/out" 2>"$home/err" || code=$?
  case $code in
    0) code=pass ;; 1) code=fail ;; 3) code=inconclusive ;;
    *) cat "$home/err" >&2; code="exit-$code" ;;
  esac
  "$program" --quiet down "$stack"
  counts[$kind-$code]=$((${counts[$kind-$code]:-0} + 1))
  case $kind-$code in
    bad-pass | good-fail | *-inconclusive) cp "$home/out" "${TMPDIR:-/tmp}/verdict-$kind-$code-$stack-$SECONDS.json" ;;
  esac
}

streams=proxy-fresh,proxy-keepalive,proxy-post,proxy-slow
for run in $(seq "$runs"); do
  if [ $((run % 2)) = 0 ]; then
    once good good update --streams $streams
  else
    once good good broken-update --streams $streams
  fi
  case $((run % 4)) in
    0) once bad stale update --streams $streams ;;
    1) once bad killed update --streams $streams ;;
    2) once bad outage update --streams $streams ;;
    3) once bad early update --streams $streams ;;
  esac
  printf 'after %d runs of each kind:' "$run"
  for key in "${!counts[@]}"; do printf ' %s %d' "$key" "${counts[$key]}"; done
  printf ' (%d s)\n' "$SECONDS"
done
[ -z "${counts[bad-pass]:-}${counts[good-fail]:-}" ]
