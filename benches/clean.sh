#!/usr/bin/env bash
# Probes a service that never fails, and prints failures and gaps, of which there must be none. The
# resident memory of the probing process is read every second.
#
#   benches/clean.sh [rate] [seconds] [more arguments of `rollproof probe`]
#
# As many requests as in an hour at 1,000 per second: `benches/clean.sh 5000 720`.
set -euo pipefail
cd "$(dirname "$0")/.."

rate=${1:-1000}
seconds=${2:-60}
shift "$(($# < 2 ? $# : 2))"
source benches/serve.sh

"$probe" probe "$url" --rate "$rate" --for "${seconds}s" --json "$@" >"$scratch/out" &
pid=$!
while sleep 1; do
  # The process may end at any time.
  size=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB$/\1/p' "/proc/$pid/status" 2>/dev/null) || break
  [ -n "$size" ] || break
  echo "$size" >>"$scratch/memory"
done
code=0
wait "$pid" || code=$?

# field NAME: a number of the summary.
field() { sed -n "s/^ *\"$1\": \([0-9.]*\),*$/\1/p" "$scratch/out" | head -1; }
# lag NAME: a figure of the send lag, in milliseconds.
lag() {
  sed -n '/"lag_s"/,/}/p' "$scratch/out" | sed -n "s/^ *\"$1\": \([0-9.e-]*\),*$/\1/p" |
    awk '{ printf "%.3f", $1 * 1e3 }'
}
printf 'rate %s, %s s: %s sent, %s failed, %s unsent, %s gaps, exit code %s\n' "$rate" "$seconds" \
  "$(field sent)" "$(field failed)" "$(field unsent)" "$(grep -c '"open":' "$scratch/out" || true)" "$code"
printf 'send lag in ms: p50 %s, p99 %s, p99.9 %s, max %s\n' \
  "$(lag p50)" "$(lag p99)" "$(lag p999)" "$(lag max)"
awk '{ size[NR] = $1; if ($1 > most) most = $1 }
  END {
    # Buffers reach their size after a while; from then on memory should be constant.
    warm = int(NR / 10) + 1
    printf "resident memory in MB: first %.1f, after a tenth %.1f, last %.1f, maximum %.1f\n",
      size[1] / 1024, size[warm] / 1024, size[NR] / 1024, most / 1024
  }' "$scratch/memory"
uptime
exec {SERVER[1]}>&-
