#!/usr/bin/env bash
# Measures all figures of the prober and prints each with its target.
#
#   benches/all.sh          about 35 minutes
#   benches/all.sh quick    about 5 minutes: fewer rounds, fewer trials, shorter runs
#
# If a hypervisor takes processor time, runs of the comparison are repeated: up to 16 more minutes,
# 5 with `quick`.
#
# The machine should be otherwise idle. oha is taken from $OHA or the PATH.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = quick ]; then
  rounds=2 each=4 trials=1 steady=60 clean=30
else
  rounds=3 each=8 trials=50 steady=600 clean=720
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uptime

# part NAME COMMAND…: runs the command, shows its output and keeps it.
part() {
  local name=$1
  shift
  printf '\n== %s\n' "${*#"$PWD/"}"
  "$@" | tee "$folder/$name"
}
cargo build --quiet --release --bin rollproof --bench server
outages=$(cargo build --quiet --release --bench known_outages --message-format=json |
  sed -n '/"kind":\["bench"\]/s/.*"executable":"\([^"]*\)".*/\1/p')
SECONDS_EACH=$each part compare benches/compare.sh "$rounds"
part outages "$outages" --trials "$trials" --at-once 2
part steady benches/clean.sh 1000 "$steady"
part clean benches/clean.sh 5000 "$clean"

# row FIGURE MEASURED TARGET: the target is an upper limit, or a lower one if it starts with >.
row() {
  awk -v figure="$1" -v measured="$2" -v target="$3" 'BEGIN {
    limit = target
    least = sub(/^>/, "", limit)
    met = measured == "" || measured == "-" ? "unknown" : \
      (least ? measured + 0 >= limit + 0 : measured + 0 <= limit + 0) ? "met" : "missed"
    printf "%-52s %10s   at %s %-7s %s\n", figure, measured, least ? "least" : "most ", limit, met }'
}
# found NAME EXPRESSION: what sed prints of the output of a part.
found() { sed -n "$2" "$folder/$1" | head -1; }
printf '\n'
awk '/^http[s2]* +(fresh|keepalive) +[0-9]+ +[0-9.-]+ +[0-9.-]+ +[0-9.-]+/ { print $1, $2, $3, $8, $9 }' \
  "$folder/compare" | while read -r protocol mode rate best median; do
  row "CPU time relative to oha, $protocol, $mode, $rate/s, best" "${best:--}" 1.00
  row "CPU time relative to oha, $protocol, $mode, $rate/s, median" "${median:--}" 1.00
done
row 'send lag at 1,000/s, p99, ms' "$(found steady 's/^send lag.* p99 \([0-9.]*\),.*/\1/p')" 0.5
row 'send lag at 1,000/s, p99.9, ms' "$(found steady 's/^send lag.* p99\.9 \([0-9.]*\),.*/\1/p')" 2
row "outages within one interval + 1 ms, of 100" "$(found outages \
  's/^\([0-9]*\) of \([0-9]*\) outages good.*/\1 \2/p' | awk '{ printf "%.1f", $1 * 100 / $2 }')" '>95'
row 'gaps without an outage' "$(found outages 's/.*good, \([0-9]*\) false gaps.*/\1/p')" 0
row "gaps in $((5000 * clean)) clean requests" "$(found clean 's/.* \([0-9]*\) gaps,.*/\1/p')" 0
row "unsent of $((5000 * clean)) clean requests" "$(found clean 's/.* \([0-9]*\) unsent,.*/\1/p')" 0
row "memory over $steady s at 1,000/s, maximum, MB" "$(found steady 's/^resident.*maximum \(.*\)/\1/p')" 50
row 'memory, growth after the first tenth, MB' "$(found steady \
  's/^resident.*tenth \([0-9.]*\), last \([0-9.]*\),.*/\1 \2/p' | awk '{ printf "%.1f", $2 - $1 }')" 0.5
uptime
