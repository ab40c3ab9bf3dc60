#!/bin/sh
# Makes the guest's kernel in the folder $1: Debian's user-mode Linux from sid, sid's C library that it
# needs, and the five modules for iptables-legacy that its package lacks. Uses apt lists and a cache of
# its own in that folder; the machine's sources, lists and packages stay as they are.
set -eu

folder=$1
[ ! -e "$folder/kernel/ready" ] || exit 0

fail() {
    echo "test-ipvs: $*" >&2
    exit 4
}

build=$folder/build
rm -rf "$folder/kernel" "$build"
mkdir -p "$folder/kernel/lib" "$build/lists/partial" "$build/cache/archives/partial"

# The same archive as the machine's own.
archive=$(apt-get indextargets --format '$(REPO_URI)' \
    'Origin: Debian' 'Label: Debian' 'Component: main' 'Identifier: Packages' | head -n 1)
[ -n "$archive" ] || fail "found no Debian archive in the apt lists: run \`apt-get update\`"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb $([ ! -e $keys ] || echo "[signed-by=$keys]") $archive sid main" >"$build/sources.list"

apt() {
    tool=$1
    shift
    "$tool" -qq -o Dir::Etc::sourcelist="$build/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$build/lists" -o Dir::Cache="$build/cache" \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o APT::Sandbox::User=root "$@"
}

cd "$build"
echo "fetching the list of Debian sid (11 MB)"
apt apt-get update || fail "could not fetch the package list of Debian sid"
uml=$(apt apt-cache show user-mode-linux | sed -n 's/^Version: //p' | head -n 1)
[ -n "$uml" ] || fail "Debian sid has no user-mode-linux package at the moment"
series=$(echo "$uml" | sed 's/^\([0-9]*\.[0-9]*\).*/\1/')
source=linux-source-$series
apt apt-cache show "$source" >/dev/null 2>&1 ||
    fail "user-mode-linux in Debian sid is $uml, but $source is not there; try again when they agree"

echo "downloading user-mode-linux $uml, its C library and $source (about 200 MB)"
apt apt-get download user-mode-linux/sid libc6/sid "$source/sid" || fail "the download failed"
for package in user-mode-linux libc6 "$source"; do
    dpkg-deb -x "$package"_*.deb "$package"
    rm "$package"_*.deb
done
release=$(ls user-mode-linux/usr/lib/uml/modules)
case $release in
"$series".*[!0-9]* | *" "*) fail "unexpected kernel release: $release" ;;
esac

# The binary wants a newer C library than Debian 12 has. Its interpreter becomes a path relative to the
# kernel's folder, padded with NUL bytes to the same length.
old=/lib64/ld-linux-x86-64.so.2
new=lib/ld.so
pad=$(printf '%*s' $((${#old} - ${#new})) '' | sed 's/ /\\x00/g')
LC_ALL=C sed "s#$old\\x00#$new$pad\\x00#" user-mode-linux/usr/bin/linux.uml >"$folder/kernel/linux"
chmod 755 "$folder/kernel/linux"
find libc6 -name '*.so*' \( -type f -o -type l \) -path '*x86_64-linux-gnu/*' ! -path '*/gconv/*' \
    -exec cp -a {} "$folder/kernel/lib/" \;
ln -sf ld-linux-x86-64.so.2 "$folder/kernel/lib/ld.so"

echo "unpacking the kernel's source"
mkdir source config modules
# Most of the drivers are not needed; their Kconfig files are.
tar -xJf "$source"/usr/src/"$source".tar.xz -C source --strip-components=1 \
    --exclude='*/Documentation/*.rst' --exclude='*/drivers/*.c' --exclude='*/sound/*.c' \
    --exclude='*/drivers/gpu/*.h' --exclude='*/drivers/net/*.h'
rm -r "$source"

echo "building five modules for iptables-legacy"
zcat user-mode-linux/usr/share/doc/user-mode-linux/config.gz >config/.config
printf 'CONFIG_%s\n' NETFILTER_XTABLES_LEGACY=y IP_NF_IPTABLES_LEGACY=m IP_NF_FILTER=m IP_NF_NAT=m \
    IP_NF_MANGLE=m >>config/.config
kernel_make() {
    # The package is built from an older patch release of the same series.
    make -s -C source ARCH=um O="$build/config" SUBLEVEL="${release##*.}" EXTRAVERSION= LOCALVERSION= \
        KBUILD_MODPOST_WARN=1 -j"$(nproc)" "$@" >>"$build/log" 2>&1 ||
        fail "the modules could not be built; see $build/log"
}
kernel_make olddefconfig
kernel_make modules_prepare
cp source/net/netfilter/x_tables.c source/net/netfilter/xt_repldata.h \
    source/net/ipv4/netfilter/ip_tables.c source/net/ipv4/netfilter/iptable_filter.c \
    source/net/ipv4/netfilter/iptable_nat.c source/net/ipv4/netfilter/iptable_mangle.c modules/
sed -i 's#"../../netfilter/xt_repldata.h"#"xt_repldata.h"#' modules/*.c
echo 'obj-m += x_tables.o ip_tables.o iptable_filter.o iptable_nat.o iptable_mangle.o' >modules/Kbuild
kernel_make M="$build/modules" modules

mkdir -p "$folder/kernel/lib/modules"
mv user-mode-linux/usr/lib/uml/modules/"$release" "$folder/kernel/lib/modules/"
cp modules/*.ko "$folder/kernel/lib/modules/$release/kernel/net/"
# Of two modules with one name, depmod would choose for itself.
find "$folder/kernel/lib/modules/$release" -name 'x_tables.ko*' ! -path '*/kernel/net/x_tables.ko' -delete
PATH=$PATH:/usr/sbin:/sbin depmod -b "$folder/kernel" "$release"

cd "$folder"
rm -rf "$build"
echo "$uml" >"$folder/kernel/ready"
