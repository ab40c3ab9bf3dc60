#!/bin/sh
# Unpacks the engine of a Debian release, with all that it needs, into a root folder of its own:
#
#   sh scripts/engines/root.sh SUITE FOLDER      makes FOLDER/SUITE, unless it is there
#
# Nothing is installed and no script of a package runs. Uses apt lists and a cache of its own in FOLDER;
# the machine's sources, lists and packages stay as they are.
set -eu

suite=$1
folder=$2
root=$folder/$suite
packages=${PACKAGES:-docker.io containerd runc iptables mount kmod}
[ ! -e "$root/ready" ] || exit 0

fail() {
    echo "test-engines: $*" >&2
    exit 4
}

build=$folder/$suite.build
rm -rf "$root" "$build"
mkdir -p "$build/lists/partial" "$build/cache/archives/partial" "$build/root"

# The same archive as the machine's own.
archive=$(apt-get indextargets --format '$(REPO_URI)' \
    'Origin: Debian' 'Label: Debian' 'Component: main' 'Identifier: Packages' | head -n 1)
[ -n "$archive" ] || fail "found no Debian archive in the apt lists: run \`apt-get update\`"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb $([ ! -e $keys ] || echo "[signed-by=$keys]") $archive $suite main" >"$build/sources.list"

# With an empty list of installed packages, apt finds everything that the engine needs.
apt() {
    tool=$1
    shift
    "$tool" -qq -o Dir::Etc::sourcelist="$build/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$build/lists" -o Dir::State::status=/dev/null \
        -o Dir::Cache="$build/cache" -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

apt apt-get update || fail "could not fetch the package list of Debian $suite"
apt apt-get install --yes --download-only --no-install-recommends \
    $packages >/dev/null ||
    fail "could not download the engine of Debian $suite"

# Packages of older releases have files in /bin and /lib.
for name in bin sbin lib lib64; do
    mkdir -p "$build/root/usr/$name"
    ln -s "usr/$name" "$build/root/$name"
done
for package in "$build"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$build/root"
done

# What the packages' scripts would have done: the loader's cache, and the same kind of iptables as here.
ldconfig -r "$build/root"
kind=$(iptables --version 2>/dev/null | sed -n 's/.*(\(.*\)).*/\1/p')
case $kind in nf_tables) kind=nft ;; *) kind=legacy ;; esac
for command in iptables ip6tables; do
    for part in '' -save -restore; do
        ln -sf "$command-$kind$part" "$build/root/usr/sbin/$command$part"
    done
done
# Files that anybody on a system may write to.
chmod 1777 "$build/root/tmp" 2>/dev/null || mkdir -m 1777 "$build/root/tmp"

apt apt-cache show "${packages%% *}" | sed -n 's/^Version: //p' | head -n 1 >"$build/root/ready"
mv "$build/root" "$root"
rm -rf "$build"
