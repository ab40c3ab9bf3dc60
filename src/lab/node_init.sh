# The first process of a lab's node, in its own process, mount and host name namespaces.
# Arguments: the node's name, the lab's runtime folder, the daemon's command line.
# When it ends, the kernel ends every other process of the node.
set -eu
node=$1 runtime=$2
shift 2

echo "rollproof-$node" >/proc/sys/kernel/hostname

# Containers inherit the limit on open files; Docker's own service unit raises it too.
ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -H -n)"

# Unmount the node's copies of mounts below the host's /run. They would keep alive what the host
# unmounts, network namespaces in particular.
sed -n 's,^[^ ]* [^ ]* [^ ]* [^ ]* \(/run/[^ ]*\) .*,\1,p' /proc/self/mountinfo | sort -r |
    while read -r point; do umount -n -l "$point" || true; done

# A private /run hides the host's engine and containerd, which the daemon would use, and holds the
# sockets and network namespaces that it puts at fixed paths. Only the lab's folder is shared with
# the host.
run=$runtime/$node/run
mkdir -p "$run"
mount -n -t tmpfs -o mode=0755 rollproof "$run"
mkdir -p "$run/${runtime#/run/}"
mount -n --bind "$runtime" "$run/${runtime#/run/}"
mount -n --move "$run" /run

# The engine writes a key to /etc/docker and containerd creates folders in /opt. Overlays keep both
# away from the host.
for folder in etc opt; do
    if [ -d "/$folder" ]; then
        mkdir -p "/run/host/$folder" "/run/host/$folder.work"
        mount -n -t overlay -o "lowerdir=/$folder,upperdir=/run/host/$folder,workdir=/run/host/$folder.work" \
            rollproof "/$folder" || echo "/$folder is shared with the host" >&2
    fi
done

"$@" &
wait "$!"
