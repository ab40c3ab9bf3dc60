#!/bin/sh
# Installs the packages of the distribution that a private engine, the build, the example's images
# and the tests need. Starts no server, now or at the next boot, and does not touch an engine that is
# already installed.
set -eu

has() {
    PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1
}

# Whether programs can be linked statically: needs a linker and the C library's archive.
links() {
    has cc || return 1
    folder=$(mktemp -d)
    echo 'int main(void) { return 0; }' >"$folder/main.c"
    status=0
    cc -static -o "$folder/main" "$folder/main.c" 2>/dev/null || status=1
    rm -rf "$folder"
    return $status
}

missing=
need() {
    missing="$missing $*"
}

installs_engine=false
if ! has dockerd; then
    installs_engine=true
    need docker.io containerd runc iptables
fi
has ip || need iproute2
has nsenter && has unshare && has setsid || need util-linux
has mount || need mount
[ -e /etc/ssl/certs/ca-certificates.crt ] || has update-ca-certificates || need ca-certificates
links || need gcc libc6-dev
# A test checks the JUnit report against its schema.
has xmllint || need libxml2-utils
missing=${missing# }

if ! has apt-get; then
    if [ -n "$missing" ]; then
        echo "install these packages, or their equivalents on this system: $missing" >&2
        echo "the engine (dockerd) does not need to be running" >&2
        exit 4
    fi
    echo "nothing is missing"
    exit 0
fi

# The images are packed from these packages, which are downloaded when needed and not installed:
# the example's from the first two, those of stacks/tiers.yml and of the tests from the others.
lists_known=true
for package in busybox caddy redis-tools postgresql; do
    apt-get download --print-uris -qq "$package" >/dev/null 2>&1 || lists_known=false
done

# Debian runs this file to decide whether a package may start its server (invoke-rc.d(8)); exit
# code 101 means no.
policy=/usr/sbin/policy-rc.d
kept=$policy.before-rollproof
mark='# rollproof: no server is started while packages are installed'

# Whether an earlier setup was killed and left its version of the file.
interrupted=false
if [ -e "$kept" ] || [ -L "$kept" ] || { [ -e "$policy" ] && grep -qxF "$mark" "$policy"; }; then
    interrupted=true
fi

if [ -z "$missing" ] && $lists_known && ! $interrupted; then
    echo "nothing is missing"
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "this needs root${missing:+ to install $missing}"
    has sudo || exit 4
    exec sudo sh "$0"
fi

restore() {
    if [ -e "$policy" ] && grep -qxF "$mark" "$policy"; then
        rm -f "$policy"
    fi
    if [ -e "$kept" ] || [ -L "$kept" ]; then
        mv -f "$kept" "$policy"
    fi
}
restore
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

export DEBIAN_FRONTEND=noninteractive
apt() {
    apt-get -qq -o DPkg::Lock::Timeout=120 "$@"
}

if [ -n "$missing" ] || ! $lists_known; then
    echo "refreshing the package lists"
    apt update || echo "could not refresh all package lists" >&2
fi

if [ -n "$missing" ]; then
    echo "installing $missing"
    if [ -e "$policy" ] || [ -L "$policy" ]; then
        mv "$policy" "$kept"
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
    chmod 755 "$policy"
    # --no-remove: never replace an engine from another source.
    # shellcheck disable=SC2086
    apt install --yes --no-remove --no-install-recommends $missing
    restore
    if $installs_engine && has systemctl; then
        # Do not start it at the next boot either: rollproof starts the private engine.
        systemctl --quiet disable docker.service docker.socket containerd.service || true
    fi
fi

for package in busybox caddy; do
    if ! apt-get download --print-uris -qq "$package" >/dev/null 2>&1; then
        echo "package $package is not available: use \`rollproof build --$package FILE\`" >&2
    fi
done
for package in redis-tools postgresql; do
    if ! apt-get download --print-uris -qq "$package" >/dev/null 2>&1; then
        echo "package $package is not available: stacks/tiers.yml cannot be deployed" >&2
    fi
done
echo "ready"
