#!/bin/sh
# Tests rollproof on the engines of several releases. See docs/engines.md.
#
#   sh scripts/engines/test.sh ROLLPROOF APP [ENGINE...]
#
# An engine is `host` (the dockerd of this system), a Debian suite, a suite with `+containerd-store`, or
# the path of a root folder.
set -eu

fail() {
    echo "test-engines: $*" >&2
    exit 4
}

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
[ $# -ge 2 ] || fail "usage: sh scripts/engines/test.sh ROLLPROOF APP [ENGINE...]"
rollproof=$(realpath "$1")
app=$(realpath "$2")
for file in "$rollproof" "$app"; do
    [ -x "$file" ] || fail "$file is missing: run \`make test-engines\`"
done
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "this needs root"
    echo "this needs root, for private engines"
    exec sudo -E sh "$0" "$@"
fi
shift 2
[ $# -gt 0 ] || set -- host bullseye trixie sid sid+containerd-store
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
distribution=$(sed -n 's/^ID=//p' /etc/os-release 2>/dev/null || true)
[ "$distribution" = debian ] || fail "this needs Debian, because the engines are Debian packages"
command -v docker >/dev/null || fail "this needs the docker CLI: install docker-cli or docker.io"

folder=${ROLLPROOF_HOME:-$root/.rollproof}/engines
mkdir -p "$folder"
folder=$(realpath "$folder")
exec 9>"$folder/lock"
flock --nonblock 9 || fail "$folder is in use by another run"
unset DOCKER_CONTEXT DOCKER_HOST ROLLPROOF_LAB_ROOT ROLLPROOF_ENGINE

# The root folder of an engine is in $of; empty for the engine of this system.
fetch() {
    case $1 in
    host) of= ;;
    */*) of=$1 ;;
    *+containerd-store)
        suite=${1%+*} of=$folder/$1
        sh "$here/root.sh" "$suite" "$folder"
        if ! cmp -s "$folder/$suite/ready" "$of/ready"; then
            # The same files with a setting more.
            rm -rf "$of" "$of.part"
            cp -al "$folder/$suite" "$of.part"
            mkdir -p "$of.part/etc/docker"
            echo '{"features": {"containerd-snapshotter": true}}' >"$of.part/etc/docker/daemon.json"
            mv "$of.part" "$of"
        fi
        ;;
    *)
        of=$folder/$1
        sh "$here/root.sh" "$1" "$folder"
        ;;
    esac
}

lab=
release=
finish() {
    status=$?
    trap '' INT TERM HUP
    [ -z "$release" ] || kill -TERM "$release" 2>/dev/null || true
    [ -z "$release" ] || wait "$release" 2>/dev/null || true
    # The stacks go with their engine.
    [ -z "$lab" ] || ROLLPROOF_HOME=$lab "$rollproof" lab down >/dev/null || true
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

began=$(date +%s)
for engine; do
    if [ "$engine" != host ]; then
        case $engine in */*) ;; *) [ -e "$folder/$engine/ready" ] || echo "fetching the engine of Debian $engine" ;; esac
    fi
    fetch "$engine"
done
echo "the engines are there after $(($(date +%s) - began)) s"

table=$folder/table
printf '%-22s %-14s %-9s %-14s %-14s %-10s %-6s %s\n' \
    engine version store verify naive command failed time >"$table"
failed=0
for engine; do
    fetch "$engine"
    name=$(basename "$engine")
    lab=$folder/lab
    echo
    echo "$name (load $(cut -d ' ' -f 1-3 /proc/loadavg))"
    code=0
    # In the background, so that a signal ends it at once.
    setsid setpriv --pdeathsig TERM sh "$here/release.sh" "$name" "$of" "$folder" "$rollproof" "$app" &
    release=$!
    wait "$release" || code=$?
    release=
    ROLLPROOF_HOME=$lab "$rollproof" lab down >/dev/null || code=4
    case $code in 0) ;; 1) failed=1 ;; *) fail "the run on $name ended with $code" ;; esac
done
lab=
left=$(grep -c "$folder/lab" /proc/self/mountinfo || true)
[ "$left" = 0 ] || fail "$left mounts are left"

echo
cat "$table"
echo
echo "$(($(date +%s) - began)) s for all"
[ $failed -eq 0 ] || exit 1
echo "test-engines: passed"
