#!/bin/sh
# Runs the list of tests on the engine of one release, and adds its line to the table. test.sh starts
# this. rollproof works as on a user's engine: the lab belongs to one state folder, the work to another,
# so that the engine can be asked with the docker CLI after everything is removed.
set -eu

name=$1
engine_root=$2
folder=$3
rollproof=$4
app=$5
here=$(cd "$(dirname "$0")" && pwd)
stacks=$here/../../stacks
began=$(date +%s)

fail() {
    echo "test-engines: $*" >&2
    exit 4
}

work=$folder/work
mkdir -p "$folder/lab" "$work" "$folder/results"
results=$folder/results/$name
rm -rf "$results" "$work/.rollproof/runs"
mkdir -p "$results"

ROLLPROOF_HOME=$folder/lab "$rollproof" lab up --json ${engine_root:+--lab-root "$engine_root"} \
    >"$results/lab.json" 2>"$results/lab.log" || { cat "$results/lab.log" >&2; exit 4; }
DOCKER_HOST=$(awk -f "$here/../ipvs/json.awk" "$results/lab.json" | sed -n 's/^docker_host //p')
export DOCKER_HOST ROLLPROOF_HOME="$work"
version=$(docker version --format '{{.Server.Version}}')
store=classic
docker info --format '{{.DriverStatus}}' 2>/dev/null | grep -q io.containerd && store=containerd
echo "  engine $version, $store image store"

failures=0
# expect WHAT HAS WANTED
expect() {
    if [ "$2" = "$3" ]; then
        echo "  ok      $1${2:+: $2}" | cut -c -100
    else
        echo "  FAILED  $1: ${2:-nothing}, expected ${3:-nothing}"
        failures=$((failures + 1))
    fi
}

fact() {
    sed -n "s/^$(echo "$1" | sed 's/\./\\./g') //p" "$facts"
}

# run NAME ARGUMENTS: a command with its output in the results, its exit code in $code, and the facts of
# its report, if any, in $facts.
run() {
    this=$1
    shift
    facts=$results/$this.facts
    code=0
    "$rollproof" "$@" >"$results/$this.out" 2>"$results/$this.log" || code=$?
    [ $code -ne 130 ] || exit 130
    : >"$facts"
    ! grep -q '^{' "$results/$this.out" || awk -f "$here/../ipvs/json.awk" "$results/$this.out" >"$facts"
}

# Everything that the engine has.
everything() {
    docker image ls --all --no-trunc --format 'image {{.ID}} {{.Repository}}:{{.Tag}}' | sort
    docker service ls --format 'service {{.ID}} {{.Name}} {{.Image}}' | sort
    docker network ls --no-trunc --format 'network {{.ID}} {{.Name}}' | sort
    docker config ls --format 'config {{.ID}} {{.Name}}' | sort
    docker secret ls --format 'secret {{.ID}} {{.Name}}' | sort
    docker volume ls --format 'volume {{.Name}}' | sort
    docker ps --all --no-trunc --format 'container {{.ID}} {{.Image}}' | sort
}

# same WHAT BEFORE AFTER
same() {
    if cmp -s "$2" "$3"; then
        echo "  ok      $1"
    else
        echo "  FAILED  $1:"
        diff "$2" "$3" | head -n 20 || true
        failures=$((failures + 1))
    fi
}

verdict() {
    echo "$(fact verdict) ($code)"
}

# A foreign stack, from images of its own: second names of the example's.
run build build --json --app "$app"
expect 'build' "$code" 0
for image in app:v1 app:v2 caddy:2; do
    id=$(docker image inspect --format '{{.Id}}' "rollproof/$image")
    expect "id of $image is the engine's" "$(grep -c "\"$id\"" "$results/build.out")" 1
    docker tag "rollproof/$image" "shop/$image"
done
mkdir -p "$results/stacks"
cp "$stacks"/Caddyfile.* "$results/stacks/"
sed -e 's,rollproof/,shop/,; s/published: 8080/published: 8090/' "$stacks/replicated-dnsrr.yml" \
    >"$results/stacks/shop.yml"
sed -e 's,rollproof/app:v1,nowhere/app:1,; s/published: 8080/published: 8091/' \
    "$stacks/replicated-dnsrr.yml" >"$results/stacks/missing.yml"
docker stack deploy --resolve-image never -c "$results/stacks/shop.yml" shop >/dev/null 2>&1
waited=0
until [ "$(docker service ls --filter name=shop_ --format '{{.Replicas}}' | sort | tr '\n' ' ')" = '1/1 6/6 ' ]; do
    [ $waited -lt 600 ] || fail "the foreign stack did not start within 60 s"
    waited=$((waited + 1))
    sleep 0.1
done
docker service inspect shop_app shop_proxy >"$results/shop.before"
run 'down-images' down
expect 'down before anything else' "$code" 0
everything >"$results/engine.before"
expect 'no image of ours' "$(grep -c ' rollproof/' "$results/engine.before" || true)" 0

# The example, from nothing.
run verify verify --json --rate "${RATE:-100}"
lost=$(awk '/^scenarios\.[0-9]+\.failed / { sum += $2 } END { print sum + 0 }' "$facts")
verified="$(verdict), $lost"
expect 'verify' "$(verdict)" 'pass (0)'
expect 'verify: good update' "$(fact scenarios.0.update.final_state)" completed
expect 'verify: broken update rolled back' "$(fact scenarios.1.update.rolled_back)" true
expect 'verify: previous spec restored' "$(fact scenarios.1.update.spec_restored)" true
expect 'verify: lost requests' "$lost" 0
everything >"$results/engine.verified"
same 'verify leaves the engine as it was' "$results/engine.before" "$results/engine.verified"

run naive verify --json --rate "${RATE:-100}" -c "$stacks/naive.yml" --scenario update --no-self-test \
    --streams proxy-fresh,control
naive="$(verdict), $(fact scenarios.0.failed)"
expect 'naive' "$(verdict)" 'fail (1)'
expect 'naive: the update loses requests' "$([ "$(fact scenarios.0.failed)" -gt 0 ] 2>/dev/null && echo yes)" yes

# Step by step.
run deploy deploy -q
expect 'deploy' "$code" 0
run update update --json --rate "${RATE:-100}"
expect 'update' "$(verdict)" 'pass (0)'
commands=$code
docker service inspect --format '{{json .Spec}}' rollproof_app >"$results/app.before"
run broken broken-update --json --rate "${RATE:-100}"
commands=$commands/$code
expect 'broken-update' "$(verdict)" 'pass (0)'
docker service inspect --format '{{json .Spec}}' rollproof_app >"$results/app.after"
same 'broken-update restores the service' "$results/app.before" "$results/app.after"

# Images that are nowhere.
run missing-deploy deploy -c "$results/stacks/missing.yml" missing
expect 'deploy of a missing image' "$code" 4
expect 'missing image: named' "$(grep -c 'nowhere/app:1' "$results/missing-deploy.log" | sed 's/^[1-9].*/yes/')" yes
expect 'missing image: nothing deployed' "$(docker service ls -q --filter name=missing_)" ''
run missing update --json --rate "${RATE:-100}" --image nowhere/app:1
expect 'update to a missing image' "$(verdict)" 'fail (1)'
expect 'update to a missing image: named in the reason' \
    "$(grep -c '^because\.0 .*nowhere/app' "$facts" | sed 's/^[1-9].*/yes/')" yes
commands=$commands/$code

# The foreign stack is unchanged.
docker service inspect shop_app shop_proxy >"$results/shop.after"
same 'the foreign stack is as it was, byte by byte' "$results/shop.before" "$results/shop.after"
run foreign down shop
expect 'down of a foreign stack is refused' "$code" 2
run down down
expect 'down' "$code" 0
expect 'down: says' "$(tail -n 1 "$results/down.log" "$results/down.out" | grep -o 'nothing is left' | head -n 1)" 'nothing is left'
everything >"$results/engine.down"
same 'down: the engine agrees' "$results/engine.before" "$results/engine.down"

docker service inspect --format '{{json .Spec}}' shop_app shop_proxy >"$results/shop.spec"
run adopt broken-update shop --adopt --json --rate "${RATE:-100}" --service app
expect 'broken-update --adopt' "$(verdict)" 'pass (0)'
docker service inspect --format '{{json .Spec}}' shop_app shop_proxy >"$results/shop.adopted"
same 'the adopted stack is restored' "$results/shop.spec" "$results/shop.adopted"
run down down
expect 'down after --adopt' "$code" 0
everything | grep -v '^container ' >"$results/engine.adopted"
grep -v '^container ' "$results/engine.before" >"$results/engine.rest"
same 'down after --adopt: the engine agrees' "$results/engine.rest" "$results/engine.adopted"

took=$(($(date +%s) - began))
echo "  $name took $took s, $failures failed (load $(cut -d ' ' -f 1-3 /proc/loadavg))"
printf '%-22s %-14s %-9s %-14s %-14s %-10s %-6s %s\n' "$name" "$version" "$store" \
    "$verified" "$naive" "$commands" "$failures" "$took s" >>"$folder/table"
[ $failures -eq 0 ]
