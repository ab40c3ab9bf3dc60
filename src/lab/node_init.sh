# The first process of a lab's node, in its own process, mount and host name namespaces.
# Arguments: the node's name, the lab's runtime folder, the engine's data folder, the root folder
# that the engine comes from (empty: the host's root), the daemon's command line.
# When it ends, the kernel ends every other process of the node.
set -eu
node=$1 runtime=$2 data=$3 root=$4
shift 4

echo "rollproof-$node" >/proc/sys/kernel/hostname

# Containers inherit the limit on open files; Docker's own service unit raises it too.
ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -H -n)"

# Keeps what the node writes to a folder away from the host, with an overlay. What is mounted below the
# folder, and the engine's data, are as before.
layer() {
    [ -d "/$1" ] || return 0
    below=/run/host/$1.below
    mkdir -p "/run/host/$1" "/run/host/$1.work" "$below"
    points=$(sed -n "s,^[^ ]* [^ ]* [^ ]* [^ ]* /$1/\([^ ]*\) .*,\1,p" /proc/self/mountinfo)
    real=$(readlink -f "$data")
    mount -n --rbind "/$1" "$below" || return 1
    if mount -n -t overlay rollproof "/$1" \
        -o "lowerdir=/$1,upperdir=/run/host/$1,workdir=/run/host/$1.work"; then
        for point in $points; do
            # The kernel writes a space as \040.
            point=$(printf '%b' "$point")
            mount -n --bind "$below/$point" "/$1/$point" || return 1
        done
        case $real in
            "/$1"/*) mount -n --bind "$below/${real#"/$1/"}" "$real" || return 1 ;;
        esac
        umount -n -l "$below"
    else
        umount -n -l "$below"
        return 1
    fi
}

if [ -z "$root" ]; then
    # Unmount the node's copies of mounts below the host's /run. They would keep alive what the host
    # unmounts, network namespaces in particular.
    sed -n 's,^[^ ]* [^ ]* [^ ]* [^ ]* \(/run/[^ ]*\) .*,\1,p' /proc/self/mountinfo | sort -r |
        while read -r point; do umount -n -l "$point" || true; done
fi

run=$runtime/$node/run
mkdir -p "$run"
mount -n -t tmpfs -o mode=0755 rollproof "$run"

if [ -z "$root" ]; then
    # A private /run hides the host's engine and containerd, which the daemon would use, and holds
    # the sockets and network namespaces that it puts at fixed paths. Only the lab's folder is shared
    # with the host.
    mkdir -p "$run/${runtime#/run/}"
    mount -n --bind "$runtime" "$run/${runtime#/run/}"
    mount -n --move "$run" /run
    # Where a proxy in a container looks for its engine, with a bind mount of this path.
    ln -s "$runtime/$node.sock" /run/docker.sock

    # The engine writes a key to /etc/docker and containerd creates folders in /opt.
    for folder in etc opt; do
        layer "$folder" || echo "/$folder is shared with the host" >&2
    done
    # Where monitors and agents in a container look for their engine's data, with a bind mount.
    if [ -d /var/lib/docker ] || { layer var/lib && mkdir -p /var/lib/docker; }; then
        mount -n --bind "$data" /var/lib/docker
    fi
else
    # The engine's root: the given folder, which is only read, below a layer in memory. The bind mount
    # gives it a name that an overlay's options can hold.
    mkdir "$run/lower" "$run/changes" "$run/work" "$run/root"
    mount -n --bind "$root" "$run/lower"
    new=$run/root
    mount -n -t overlay -o "lowerdir=$run/lower,upperdir=$run/changes,workdir=$run/work" \
        rollproof "$new"
    mkdir -p "$new/proc" "$new/sys" "$new/dev" "$new/run" "$new/tmp"
    mount -n -t proc proc "$new/proc"
    mount -n --rbind /sys "$new/sys"
    mount -n --rbind /dev "$new/dev"
    mount -n -t tmpfs -o mode=0755 rollproof "$new/run"
    ln -s "$runtime/$node.sock" "$new/run/docker.sock"
    if [ -d /lib/modules ]; then
        mkdir -p "$new/lib/modules"
        mount -n --bind /lib/modules "$new/lib/modules"
    fi
    mkdir -p "$new$runtime" "$new$data" "$new/var/lib/docker" "$new/run/host"
    mount -n --bind "$runtime" "$new$runtime"
    mount -n --bind "$data" "$new/var/lib/docker"
    mount -n --bind "$data" "$new$data"

    # Not chroot: `docker exec`, and so every health check, would end in the host's root.
    cd "$new"
    pivot_root . run/host
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    cd /
    umount -n -l /run/host
fi

"$@" &
wait "$!"
