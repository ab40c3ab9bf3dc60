#!/bin/sh
# Boots the guest, and runs and judges the stacks. test.sh starts this in a network and a mount
# namespace of its own.
set -eu

folder=$1
rollproof=$2
app=$3
here=$(cd "$(dirname "$0")" && pwd)
stacks=$here/../../stacks
address=10.99.0.2
engine=http://$address:2375
export ROLLPROOF_HOME="$folder/state"
export ROLLPROOF_ENGINE=host DOCKER_HOST="tcp://$address:2375"
unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH

fail() {
    echo "test-ipvs: $*" >&2
    exit 4
}

load() {
    cut -d ' ' -f 1-3 /proc/loadavg
}

guest=
finish() {
    status=$?
    trap '' INT TERM HUP
    if [ -n "$guest" ]; then
        # The guest's other processes end with its first one.
        kill -KILL "$guest" 2>/dev/null || true
        wait "$guest" 2>/dev/null || true
    fi
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The guest's memory is a file without a name in a file system of our own.
memory=$folder/memory
mkdir -p "$memory"
mount -t tmpfs -o size=5g,mode=700 memory "$memory"

ip link set lo up
ip tuntap add dev tap0 mode tap
ip address add "${address%.*}.1/24" dev tap0
ip link set tap0 up

now() {
    date +%s.%N
}

since() {
    echo "$1 $(now)" | awk '{ printf "%.1f", $2 - $1 }'
}

# The guest is pinned to one processor, because moving between two costs it more than a second one
# brings. It dies with this script, however that ends.
boot() {
    cd "$folder/kernel"
    exec setpriv --pdeathsig KILL setsid nice -n -15 taskset -c $(($(nproc) - 1)) \
        unshare --pid --fork --kill-child --mount-proc \
        env TMPDIR="$memory" LD_LIBRARY_PATH="$folder/kernel/lib" \
        ./linux seccomp=on mem=4G root=/dev/root rootfstype=hostfs hostfs=/ ro init="$here/init.sh" \
        MODULES="$folder/kernel/lib/modules" ADDRESS="$address" DOCKERD="$(command -v dockerd)" \
        ${ROLLPROOF_IPVS_TRACE:+TRACE="$ROLLPROOF_IPVS_TRACE"} \
        con=null con0=null,fd:1 con1=null,fd:1 ssl=null quiet panic=1 \
        vec0:transport=tap,ifname=tap0,depth=64,gro=1 </dev/null >"$folder/guest.log" 2>&1
}

# Other work on this machine would be measured as slow responses, so the guest has precedence on its
# processor. Where the kernel groups processes by session (autogroup), it counts what the session has;
# user-mode Linux starts one of its own.
precede() {
    for process in $(cat "/proc/$guest/task/$guest/children" 2>/dev/null); do
        { echo -15 >"/proc/$process/autogroup"; } 2>/dev/null || true
    done
}

echo "booting the guest (load $(load)); its log is $folder/guest.log"
power_on=$(now)
boot &
guest=$!
until [ "$(curl -s -m 2 "$engine/_ping" 2>/dev/null)" = OK ]; do
    kill -0 "$guest" 2>/dev/null || fail "the guest ended: $(tail -n 3 "$folder/guest.log")"
    [ "$(since "$power_on" | cut -d . -f 1)" -lt 120 ] ||
        fail "the guest's engine did not answer within 120 s; see $folder/guest.log"
    sleep 0.1
done
answered=$(since "$power_on")
precede
curl -sf -m 60 -H 'Content-Type: application/json' "$engine/swarm/init" >/dev/null \
    -d "{\"ListenAddr\": \"0.0.0.0:2377\", \"AdvertiseAddr\": \"$address\"}" ||
    fail "the guest's engine cannot be a swarm manager; see $folder/guest.log"
echo "the guest's engine answered after $answered s, its swarm after $(since "$power_on") s"

began=$(now)
busybox=$(find "$folder/programs" -type f -path '*/bin/busybox' | head -n 1)
"$rollproof" build -q --app "$app" --busybox "$busybox" --caddy "$folder/programs/usr/bin/caddy"
echo "loading the images took $(since "$began") s"

# The guest needs about 0.3 s of its only processor for a health check.
mkdir -p "$folder/stacks"
cp "$stacks/Caddyfile.vip" "$folder/stacks/"
sed -e 's/interval: 1s/interval: 3s/' -e 's/timeout: 2s/timeout: 8s/' -e 's/monitor: 10s/monitor: 20s/' \
    "$stacks/replicated.yml" >"$folder/stacks/replicated.yml"
sed -e 's/endpoint_mode: dnsrr/endpoint_mode: vip/' -e 's/mode: host/mode: ingress/' \
    -e 's/Caddyfile.dnsrr/Caddyfile.vip/' "$stacks/naive.yml" >"$folder/stacks/naive.yml"

failed=0
facts=
fact() {
    sed -n "s/^$(echo "$1" | sed 's/\./\\./g') //p" "$facts"
}

# keys LIST FIELD VALUE: the paths of the elements of a list in which a field has this value.
keys() {
    sed -n "s/^\($1\.[0-9]*\)\.$2 $3\$/\1/p" "$facts"
}

# expect WHAT HAS WANTED
expect() {
    if [ "$2" = "$3" ]; then
        echo "  ok      $1: $2"
    else
        echo "  FAILED  $1: ${2:-nothing}, expected $3"
        failed=1
    fi
}

# verify NAME [ARGUMENTS]: a run of this stack, with its facts in $facts and its exit code in $code.
verify() {
    name=$1
    shift
    echo
    echo "$name.yml (load $(load))"
    facts=$folder/$name.facts
    rm -f "$folder/$name.json" "$facts"
    code=0
    began=$(now)
    # It ends with this script, too.
    setpriv --pdeathsig TERM "$rollproof" verify --rate "${RATE:-40}" -c "$folder/stacks/$name.yml" \
        --format "json=$folder/$name.json" --format summary "$@" || code=$?
    [ $code -ne 130 ] || exit 130
    echo
    echo "$name.yml took $(since "$began") s, exit code $code (load $(load))"
    [ -s "$folder/$name.json" ] || fail "the run of $name.yml has no report"
    awk -f "$here/json.awk" "$folder/$name.json" >"$facts"
}

verify replicated --streams "${STREAMS:-proxy-fresh,proxy-keepalive,proxy-post,overlay-fresh,control}"
expect 'exit code' "$code" 0
expect 'verdict' "$(fact verdict)" pass
expect 'engine with IPVS' "$(fact engine.ipvs)" true
expect 'scenarios' "$(fact scenarios.length)" 2
if [ "$(fact scenarios.length)" = 2 ]; then
    expect 'good update' "$(fact scenarios.0.update.final_state)" completed
    expect 'broken update rolled back' "$(fact scenarios.1.update.rolled_back)" true
    expect 'previous spec restored' "$(fact scenarios.1.update.spec_restored)" true
    for scenario in 0 1; do
        named=$(fact scenarios.$scenario.name)
        expect "$named: failed requests" "$(fact scenarios.$scenario.failed)" 0
        for this in $(keys "scenarios.$scenario.streams" purpose users); do
            expect "$named: replicas that answered $(fact "$this.name")" "$(fact "$this.replicas_seen")" 6
        done
    done
fi

# How slow the guest is.
phase() {
    sed -n "s/^{\"at\":\([0-9.]*\),.*\"name\":\"$1\".*/\1/p" \
        "$ROLLPROOF_HOME/.rollproof/runs/latest/events.jsonl" | head -n 1
}
control=$(keys scenarios.0.streams name control)
echo "  guest   engine after $answered s; six healthy replicas after" \
    "$(echo "$(phase deploy) $(phase warm-up)" | awk '{ printf "%.1f", $2 - $1 }') s;" \
    "control target: median $(fact "$control.latency_s.p50") s"

verify naive --streams proxy-fresh,control --no-self-test --scenario update
expect 'exit code' "$code" 1
expect 'verdict' "$(fact verdict)" fail
lost=$(fact scenarios.0.failed)
expect 'the update loses requests' "$([ "${lost:-0}" -gt 0 ] && echo yes)" yes

# The playground's published port goes through the mesh to each of its four replicas in turn.
echo
echo "playground.yml (load $(load))"
play=http://$address:10000
"$rollproof" deploy -q -c "$stacks/playground.yml" play || fail "playground.yml cannot be deployed"
nodes=$(for _ in 1 2 3 4 5 6 7 8; do
    curl -s -m 20 -w '\n' "$play/status"
done | sed -n 's/.*"node": "\([^"]*\)".*/\1/p' | sort -u | wc -l)
expect 'replicas that answer' "$nodes" 4
status() {
    curl -s -o /dev/null -m 20 -w '%{http_code}' "$play$1" || true
}
expect 'poison' "$(status /poison)" 200
# One of 16 processes answers 410 now.
sick=no
for _ in $(seq 200); do
    [ "$(status /)" != 410 ] || { sick=yes && break; }
done
expect 'a poisoned process answers 410' "$sick" yes
expect 'a process that dies does not answer' "$(status /die)" 000
expect 'its replica goes on' "$(status /status)" 200
"$rollproof" down play >/dev/null || fail "playground.yml cannot be removed"

[ $failed -eq 0 ] || exit 1
echo
echo "test-ipvs: passed"
