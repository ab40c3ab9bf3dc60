#!/usr/bin/env bash
# Runs updates whose truth is known on a private swarm and counts the verdicts: a bad update must never
# pass, a good one must never fail, and a bad one must be told for its own reason.
#
#   benches/verdicts.sh [times] [case…]   each case so many times (default 2: 62 runs, 35 minutes);
#                                         needs root and dockerd, as the lab does
#   NODES=3 benches/verdicts.sh           on a swarm of three nodes, with cases of its own
#   ENGINE="--host URL" benches/…         on that engine
#   BUSY=MS benches/verdicts.sh           simulates a busy machine: each processor is taken away for
#                                         up to MS ms at a time, half of the time; good updates are
#                                         then inconclusive
#
# Each run is a complete command with its own record. Those with an unexpected verdict or reason are
# kept in the folder that the last line names.
set -euo pipefail
cd "$(dirname "$0")/.."

times=${1:-2}
shift || true
only=" $* "
program=$(pwd)/${CARGO_TARGET_DIR:-target}/release/rollproof
home=$(mktemp -d)
kept=$(mktemp -d)
export ROLLPROOF_HOME=$home
engine=${ENGINE:---engine lab}
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

checked='{test: [CMD, /rollproof-app, health], interval: 500ms, timeout: 2s, retries: 3}'
slowly='{test: [CMD, /rollproof-app, health], interval: 500ms, timeout: 2s, retries: 3, start_period: 10s}'
in_turn='{parallelism: 1, order: start-first, delay: 1s, monitor: 1s, failure_action: rollback}'
lookup='  dynamic a {\n   name tasks.app\n   port 8000\n   refresh 1s\n  }'
careful="$lookup"'\n  lb_try_duration 2s\n  lb_try_interval 50ms'
patient="$lookup"'\n  lb_try_duration 10s\n  lb_try_interval 50ms'
stale=${lookup/1s/20s}
two_more='
  worker: {image: "rollproof/app:v1", networks: [web], deploy: {replicas: 1, endpoint_mode: dnsrr}}
  api: {image: "rollproof/app:v1", networks: [web], deploy: {replicas: 2, endpoint_mode: dnsrr}}'

# The stack of the next run; every case begins with a sound one and changes what it is about.
sound() {
  proxy=$careful health=$checked grace=10s update=$in_turn env='A: "1"' replicas=3 more= place='[]'
  image=rollproof/app:v1
  way='{target: 80, published: 8081, mode: host}'
}

# write FILE: the stack file, with its proxy's configuration beside it.
write() {
  # The configuration's name holds its content: Swarm does not change a config in place.
  printf '{\n admin off\n}\n:80 {\n reverse_proxy {\n%b\n }\n}\n' "$proxy" >"$home/caddy"
  cat >"$1" <<STACK
version: "3.8"
services:
  app:
    image: $image
    environment: {ROLLPROOF_SLOT: "{{.Task.Slot}}", $env}
    networks: [web]
    healthcheck: $health
    stop_grace_period: $grace
    deploy:
      replicas: $replicas
      endpoint_mode: dnsrr
      placement: {constraints: $place}
      update_config: $update
      rollback_config: {parallelism: 1, order: start-first, monitor: 1s}
  proxy:
    image: rollproof/caddy:2
    environment: {A: "${proxy_env:-1}"}
    configs: [{source: caddy, target: /etc/caddy/Caddyfile}]
    networks: [web]
    ports: [$way]
    deploy: {placement: {constraints: [node.role == manager]}}
$more
configs: {caddy: {file: ./caddy}}
networks: {web: {}}
STACK
}

load="--baseline 3s --streams proxy-fresh,proxy-keepalive,proxy-post,proxy-slow"
declare -A counts=()
wrong=0

# judged TRUTH REASON CODE: compares the verdict of the last run with what is true. REASON is a regular
# expression for the sentence that says why.
judged() {
  local verdict said=yes
  case $3 in 0) verdict=pass ;; 1) verdict=fail ;; 3) verdict=inconclusive ;; *) verdict=exit-$3 ;; esac
  # Read as one line, because the summary is wrapped.
  "$program" report -v 2>/dev/null | tr -s ' \n' ' ' >"$home/text" || true
  [ "$1" = good ] || grep -Eq "$2" "$home/text" || said=no
  local outcome=$1-$verdict
  [ "$1-$verdict" != bad-fail ] || [ "$said" = yes ] || outcome=bad-fail-other-reason
  counts[$outcome]=$((${counts[$outcome]:-0} + 1))
  case $outcome in
    good-pass | bad-fail) ;;
    *)
      cp -r "$(realpath "$home/.rollproof/runs/latest")" "$kept/$name-$SECONDS" 2>/dev/null || cat "$home/err"
      case $outcome in *-inconclusive) ;; *) wrong=$((wrong + 1)) ;; esac
      ;;
  esac
  printf '%5d s  %-22s %-22s %s\n' "$SECONDS" "$name" "$outcome" \
    "$(cut -d ' ' -f 3- "$home/text" | cut -c 1-90)"
}

# once TRUTH REASON COMMAND…: deploys, runs the command, judges.
once() {
  local truth=$1 reason=$2 code=0
  shift 2
  write "$home/stack.yml"
  # shellcheck disable=SC2086
  "$program" --quiet deploy $engine -c "$home/stack.yml" truth
  # shellcheck disable=SC2086
  "$program" --quiet "$@" $load truth >"$home/out" 2>"$home/err" || code=$?
  judged "$truth" "$reason" "$code"
  removed
}

# watched TRUTH REASON OPTIONS COMMAND…: the same of a change that the docker CLI makes. What
# `also` says happens 4 s after it.
watched() {
  local truth=$1 reason=$2 options=$3 code=0 watching
  shift 3
  write "$home/stack.yml"
  # shellcheck disable=SC2086
  "$program" --quiet deploy $engine -c "$home/stack.yml" truth
  # The command below waits for a line in it, and must not find the one of the run before.
  : >"$home/err"
  # shellcheck disable=SC2086
  "$program" watch truth_app --baseline 3s --wait 60s $options >"$home/out" 2>"$home/err" &
  watching=$!
  for _ in $(seq 600); do
    if grep -qs 'waiting for an update' "$home/err" || ! kill -0 $watching 2>/dev/null; then break; fi
    sleep 0.1
  done
  on_engine "$@" >"$home/docker" 2>&1 || cat "$home/docker" >&2
  [ -z "${also:-}" ] || { sleep 4; eval "$also"; }
  wait $watching || code=$?
  judged "$truth" "$reason" "$code"
  removed
}

# removed: nothing of the stack is left.
removed() {
  # `docker stack deploy` takes the services over.
  "$program" --quiet down truth 2>/dev/null && return
  on_engine stack rm truth >/dev/null
  for _ in $(seq 300); do
    [ -n "$(on_engine network ls --quiet --filter label=com.docker.stack.namespace=truth)" ] || return 0
    sleep 0.1
  done
  return 1
}

on_engine() {
  (eval "$("$program" lab env)" && docker "$@")
}
kill_proxy() {
  local container
  container=$(on_engine ps --quiet --filter label=com.docker.swarm.service.name=truth_proxy)
  on_engine kill "$container" >/dev/null
}

# What is known of each case: its name, whether it is good, and the reason if not.
good_update() { once good '' update --image rollproof/app:v2; }
good_environment() { once good '' update --env A=2; }
good_rollback() { once good '' broken-update; }
good_stop_first() { update=${in_turn/start-first/stop-first} && once good '' update; }
good_two_at_once() { update='{parallelism: 2, order: start-first, monitor: 1s}' && once good '' update; }
good_slow_start() { env='ROLLPROOF_START_DELAY: 3s' health=$slowly && once good '' update; }
good_other_services() { more=$two_more && once good '' update --service app; }
good_six_replicas() { replicas=6 && once good '' broken-update; }
good_scaled_down() { watched good '' '' service scale --detach truth_app=2; }
good_scaled_up() { watched good '' '' service scale --detach truth_app=5; }
good_scaled_and_updated() {
  watched good '' '' service update --detach --image rollproof/app:v2 --replicas 2 truth_app
}
good_seen_from_outside() { watched good '' '' service update --detach --env-add A=3 truth_app; }
good_rollback_from_outside() {
  watched good '' '--expect rollback' service update --detach --health-cmd false truth_app
}
good_worker_updated_too() {
  more=$two_more also='on_engine service update --quiet --detach --force truth_worker'
  watched good '' '' service update --detach --force truth_app
}
good_redeployed() {
  image=rollproof/app:v2 && write "$home/new.yml" && image=rollproof/app:v1
  watched good '' '' stack deploy -c "$home/new.yml" truth
}

bad_stale() { proxy=$stale && once bad 'a task that was being stopped' update; }
bad_killed() { grace=1s && once bad 'stopped before it had finished' update; }
bad_all_at_once() {
  update='{parallelism: 0, order: stop-first}' && once bad 'parallelism is 0' update
}
bad_held() {
  proxy=$patient update='{parallelism: 0, order: stop-first}' && once bad 'parallelism is 0' update
}
bad_one_replica() {
  replicas=1 update='{parallelism: 1, order: stop-first, monitor: 1s}'
  once bad 'no replica was serving.*start-first' update
}
bad_early() {
  proxy=$lookup health='{disable: true}' env='ROLLPROOF_START_DELAY: 2s'
  once bad 'not ready yet' update
}
bad_dropped() {
  env='ROLLPROOF_DROP_ON_STOP: "true"' proxy=$stale
  once bad 'being stopped|before it had finished|kept-alive connection' update
}
bad_pause() {
  update=${in_turn/rollback/pause} && once bad 'failure_action is "pause"' broken-update
}
bad_continue() {
  update=${in_turn/rollback/continue} && once bad '`?continue`?' broken-update
}
bad_crash() { once bad 'exited with code 1' update --env ROLLPROOF_CRASH_AFTER=500ms; }
bad_never_healthy() {
  watched bad 'became unhealthy' '' service update --detach --health-cmd 'false' truth_app
}
bad_no_image() {
  watched bad 'No such image|image' '' service update --detach --no-resolve-image \
    --image rollproof/none:1 truth_app
}
bad_no_program() {
  watched bad 'exited with code|could not be started' '' service update --detach --args nothing truth_app
}
bad_no_node() {
  watched bad 'no suitable node' '' service update --detach --constraint-add node.labels.a==b truth_app
}
bad_proxy_killed() {
  also=kill_proxy && watched bad 'the published port was closed|publishes it' '' \
    service update --detach --force truth_app
}
bad_proxy_updated() {
  image=rollproof/app:v2 proxy_env=2 && write "$home/new.yml" && image=rollproof/app:v1 proxy_env=1
  watched bad 'the published port was closed' '' stack deploy -c "$home/new.yml" truth
}

if [ "${NODES:-1}" -gt 1 ]; then
  "$program" --quiet lab up --nodes "$NODES"
fi
for _ in $(seq "$times"); do
  for name in $(declare -F | sed -n 's/^declare -f \(\(good\|bad\)_.*\)/\1/p'); do
    [ "$only" = '  ' ] || [[ $only = *" $name "* ]] || continue
    sound
    also='' proxy_env=1
    "$name"
  done
done
printf 'in %d s:' "$SECONDS"
for outcome in "${!counts[@]}"; do printf ' %s %d' "$outcome" "${counts[$outcome]}"; done
printf '\nunexpected ones: %s\n' "$kept"
[ "$wrong" -eq 0 ]
