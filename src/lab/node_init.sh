# The first process of a lab's node, alone in its process, mount and host name namespaces.
# Arguments: the node's name, the lab's runtime folder, the daemon's command line.
# When it ends, the kernel ends every other process of the node.
set -eu
node=$1 runtime=$2
shift 2

echo "rollproof-$node" >/proc/sys/kernel/hostname

# Containers inherit the limit on open files; Docker's own service unit raises it too.
ulimit -n 1048576 2>/dev/null || ulimit -n "$(ulimit -H -n)"

# What is mounted below the host's /run, network namespaces above all, shall not be kept alive by
# the node's copy of it.
sed -n 's,^[^ ]* [^ ]* [^ ]* [^ ]* \(/run/[^ ]*\) .*,\1,p' /proc/self/mountinfo | sort -r |
    while read -r point; do umount -n -l "$point" || true; done

# A /run of its own hides the host's engine and containerd, which the daemon would use, and
# takes the sockets and network namespaces that it puts at fixed places. Only the lab's folder
# is the host's.
run=$runtime/$node/run
mkdir -p "$run"
mount -n -t tmpfs -o mode=0755 rollproof "$run"
mkdir -p "$run/${runtime#/run/}"
mount -n --bind "$runtime" "$run/${runtime#/run/}"
mount -n --move "$run" /run

# The engine writes a key into /etc/docker, containerd makes folders in /opt: let them.
for folder in etc opt; do
    if [ -d "/$folder" ]; then
        mkdir -p "/run/host/$folder" "/run/host/$folder.work"
        mount -n -t overlay -o "lowerdir=/$folder,upperdir=/run/host/$folder,workdir=/run/host/$folder.work" \
            rollproof "/$folder" || echo "/$folder stays the host's own" >&2
    fi
done

"$@" &
wait "$!"
