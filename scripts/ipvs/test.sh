#!/bin/sh
# Tests the example on a kernel with IPVS, also on machines whose kernel has none: an engine runs in a
# guest (user-mode Linux), rollproof and its prober run outside of it. See docs/ipvs.md.
#
#   sh scripts/ipvs/test.sh ROLLPROOF APP     the program, and the app's static binary
set -eu

fail() {
    echo "test-ipvs: $*" >&2
    exit 4
}

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
[ $# -eq 2 ] || fail "usage: sh scripts/ipvs/test.sh ROLLPROOF APP"
rollproof=$(realpath "$1")
app=$(realpath "$2")
[ -x "$rollproof" ] || fail "$rollproof is missing: run \`make test-ipvs\`"
[ -x "$app" ] || fail "$app is missing: run \`make test-ipvs\`"

distribution=$(sed -n 's/^ID=//p' /etc/os-release 2>/dev/null || true)
[ "$distribution" = debian ] || fail "this needs Debian, because the guest's kernel is a Debian package"
[ "$(uname -m)" = x86_64 ] || fail "this needs an x86-64 machine, because user-mode Linux does"
case $root in
*[[:space:]]*) fail "this cannot run in a folder whose path contains blanks" ;;
esac
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "this needs root"
    echo "this needs root, for network namespaces and a tap device"
    exec sudo -E sh "$0" "$@"
fi
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
if ! [ -c /dev/net/tun ]; then
    modprobe tun 2>/dev/null || true
    [ -c /dev/net/tun ] || fail "this needs /dev/net/tun"
fi
[ "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)" -gt 3000000 ] ||
    fail "the guest needs 3 GB of free memory"

# The packages that are needed besides those of `make setup`.
missing=
need() {
    command -v "$1" >/dev/null || missing="$missing $2"
}
need crun crun
need iptables-legacy iptables
need depmod kmod
need curl curl
need make make
need flex flex
need bison bison
need bc bc
need xz xz-utils
need realpath coreutils
if [ -n "$missing" ]; then
    echo "installing$missing"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install \
        --yes --no-remove --no-install-recommends $missing >/dev/null
fi

folder=${ROLLPROOF_HOME:-$root/.rollproof}/ipvs
mkdir -p "$folder"
folder=$(realpath "$folder")
# The file stays open, and locked, until everything that was started has ended.
exec 9>"$folder/lock"
flock --nonblock 9 || fail "$folder is in use by another run"

before=$(date +%s)
if [ ! -e "$folder/kernel/ready" ]; then
    echo "making the guest's kernel in $folder/kernel, once; this takes a few minutes"
fi
sh "$here/kernel.sh" "$folder"
for program in busybox caddy; do
    if [ ! -e "$folder/programs/usr/bin/$program" ] && [ ! -e "$folder/programs/bin/$program" ]; then
        echo "downloading $program for the example's images"
        mkdir -p "$folder/download"
        (
            cd "$folder/download"
            apt-get -qq -o APT::Sandbox::User=root download "$program"
            dpkg-deb -x "$program"_*.deb "$folder/programs"
        )
        rm -r "$folder/download"
    fi
done
echo "ready after $(($(date +%s) - before)) s: $(cat "$folder/kernel/ready")"

# A network namespace and a mount namespace that end with the last process in them. Nothing outside of
# them is changed, so there is nothing to remove, even if this process is killed.
exec unshare --net --mount sh "$here/run.sh" "$folder" "$rollproof" "$app"
