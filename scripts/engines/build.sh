#!/bin/sh
# Builds an engine from its source and puts it into a copy of Debian sid's root folder:
#
#   sh scripts/engines/build.sh v27.5.1 REPOSITORY FOLDER      makes FOLDER/v27.5.1
#
# REPOSITORY is a clone of the engine's repository, which has all dependencies in it. The compiler is
# Debian sid's; nothing is installed.
set -eu

tag=$1
repository=$(realpath "$2")
folder=$3
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
folder=$(realpath "$folder")
root=$folder/$tag
[ ! -e "$root/ready" ] || exit 0

fail() {
    echo "test-engines: $*" >&2
    exit 4
}

sh "$here/root.sh" sid "$folder"
PACKAGES="golang-1.26-go golang-1.26-src" sh "$here/root.sh" sid "$folder/compiler"
go=$folder/compiler/sid/usr/lib/go-1.26

build=$folder/$tag.build
rm -rf "$root" "$build"
mkdir -p "$build/source"
git -C "$repository" archive "$tag" | tar -x -C "$build/source" || fail "there is no $tag in $repository"
cd "$build/source"
# Until 28, the list of modules has a name that the compiler does not look for.
[ -e go.mod ] || cp vendor.mod go.mod
[ -e go.sum ] || cp vendor.sum go.sum
module=$(sed -n 's/^module //p' go.mod)
version=${tag#docker-}
for program in dockerd docker-proxy; do
    echo "building $program of $tag"
    GOROOT=$go GOFLAGS=-mod=vendor GOTOOLCHAIN=local CGO_ENABLED=0 GOCACHE=$folder/compiler/cache \
        GOPATH=$build/modules "$go/bin/go" build -o "$build/$program" \
        -tags 'exclude_graphdriver_btrfs exclude_graphdriver_zfs exclude_graphdriver_devicemapper netgo osusergo' \
        -ldflags "-s -w -X $module/dockerversion.Version=${version#v}" "./cmd/$program" ||
        fail "$program of $tag could not be built"
done

cp -al "$folder/sid" "$build/root"
for program in dockerd docker-proxy; do
    rm "$build/root/usr/sbin/$program"
    mv "$build/$program" "$build/root/usr/sbin/"
done
rm "$build/root/ready"
echo "${version#v}" >"$build/root/ready"
mv "$build/root" "$root"
rm -rf "$build"
