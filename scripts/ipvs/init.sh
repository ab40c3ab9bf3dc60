#!/bin/sh
# Process 1 of the guest. Its root is the machine's /, read-only, so it runs the machine's own dockerd;
# all that is written stays in the guest's memory. MODULES, DOCKERD, ADDRESS and TRACE (a script to
# run beside the engine, if any) come from the kernel's command line.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run/home

say() {
    echo "guest: $(cut -d ' ' -f 1 /proc/uptime) s: $*"
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o size=3g run /run
mkdir -p /run/home /run/tmp /run/bin /run/lock /run/modules/lib/modules
export TMPDIR=/run/tmp
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t hostfs -o "$MODULES" modules /run/modules/lib/modules

for module in overlay bridge br_netfilter veth vxlan ip_vs ip_vs_rr nf_conntrack nf_nat xt_ipvs \
    xt_addrtype xt_conntrack xt_MASQUERADE xt_nat xt_mark xt_REDIRECT xt_comment xt_tcpudp \
    xt_multiport ip_tables iptable_nat iptable_filter iptable_mangle dummy; do
    modprobe -d /run/modules "$module" || say "no module $module"
done

# Writable folders for the engine, without the machine's settings and data of Docker, and without its
# name servers: each task would wait for a registry that cannot be reached.
for parent in /etc /var/lib; do
    mkdir -p "/run/changes$parent" "/run/work$parent"
    mount -t overlay -o "lowerdir=$parent,upperdir=/run/changes$parent,workdir=/run/work$parent" \
        overlay $parent
    mkdir -p $parent/docker
    mount -t tmpfs -o size=3g docker $parent/docker
done
rm -f /etc/resolv.conf
echo 'nameserver 127.0.0.1' >/etc/resolv.conf

# As on a machine with systemd, where the engine is one group of processes and each container another.
# Without this, all containers together get as much processor time as one thread of the engine.
echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/engine /sys/fs/cgroup/docker
echo 1000 >/sys/fs/cgroup/docker/cpu.weight
echo $$ >/sys/fs/cgroup/engine/cgroup.procs

hostname guest
sysctl -qw net.ipv4.ip_forward=1
ip link set lo up
ip link set vec0 name eth0
ip address add "$ADDRESS/24" dev eth0
ip link set eth0 up
ip route add default via "${ADDRESS%.*}.1"

# The default is iptables-nft, which this kernel cannot serve.
for tables in iptables ip6tables; do
    for command in "" -save -restore; do
        ln -s "$(command -v $tables-legacy$command)" /run/bin/$tables$command
    done
done
export PATH=/run/bin:$PATH

[ -z "${TRACE:-}" ] || sh "$TRACE" &
say "kernel $(uname -r), starting the engine"
"$DOCKERD" --storage-driver overlay2 --exec-root /run/docker \
    --pidfile /run/docker.pid -H unix:///run/docker.sock -H "tcp://$ADDRESS:2375" --tls=false \
    --add-runtime crun="$(command -v crun)" --default-runtime crun
say "the engine ended with $?"
echo o >/proc/sysrq-trigger
