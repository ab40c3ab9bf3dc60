#!/usr/bin/env bash
# Measures `rollproof probe` against oha, side by side on the same server, and prints ratios.
#
#   benches/compare.sh [rounds]          oha is taken from $OHA or the PATH; without it, the
#                                        prober's own figures are printed
#
# CPU time is that of the whole process, user and system, divided by the answers it got: on a busy
# machine oha sends fewer requests than it was told to, while the prober sends them late. The two
# run one after the other in each round, and the order changes from round to round, so that a busy
# machine disturbs both alike. Best and median of the rounds are printed. Both keep as many
# connections, 50. The last column is the share of the processor time that the hypervisor gave to
# others meanwhile: where it is more than a percent or two, the row says little.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-3}
seconds=${SECONDS_EACH:-8}
oha=${OHA:-$(command -v oha || true)}

source benches/serve.sh

# cpu NAME ANSWERS COMMAND… appends the CPU microseconds of COMMAND for each of its answers to the
# samples of NAME; ANSWERS is a sed expression that finds their number in its output.
cpu() {
  local name=$1 answers=$2 number
  shift 2
  local TIMEFORMAT='%U %S'
  { time "$@" >"$scratch/out" 2>"$scratch/err" || true; } 2>"$scratch/time"
  number=$(sed -n "$answers" "$scratch/out" | head -1)
  if [ -z "$number" ]; then
    cat "$scratch/out" "$scratch/err" >&2
    exit 1
  fi
  awk -v n="$number" '{ printf "%.2f\n", ($1 + $2) * 1e6 / n }' "$scratch/time" >>"$scratch/$name"
}

# spread NAME: best and median of its samples.
spread() {
  sort -n "$scratch/$1" | awk '{ v[NR] = $1 } END { print v[1], v[int((NR + 1) / 2)] }'
}

# processor: jiffies that went to others, and all.
processor() {
  awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i; print $9, all; exit }' /proc/stat
}

printf '%-10s %6s   %23s   %23s   %13s\n' '' '' 'rollproof µs/request' 'oha µs/request' 'ratio'
printf '%-10s %6s   %11s %11s   %11s %11s   %6s %6s   %6s\n' \
  connections rate best median best median best median steal
for mode in fresh keepalive; do
  for rate in 1000 5000; do
    flags=(--disable-keepalive)
    kept=()
    [ "$mode" = keepalive ] && flags=() kept=(--connections 50)
    : >"$scratch/ours"; : >"$scratch/theirs"
    before=$(processor)
    for round in $(seq "$rounds"); do
      for turn in 0 1; do
        if [ $(((round + turn) % 2)) = 0 ]; then
          cpu ours 's/^ *"ok": \([0-9]*\),$/\1/p' \
            "$probe" probe "$url" --rate "$rate" --for "${seconds}s" "--$mode" "${kept[@]}" --json
          sed -n '/"lag_s"/,/}/p' "$scratch/out" | tr -d '\n ' >>"$scratch/lag-$mode-$rate"
          echo >>"$scratch/lag-$mode-$rate"
        elif [ -n "$oha" ]; then
          cpu theirs 's/^ *\[200\] \([0-9]*\) responses$/\1/p' \
            "$oha" --no-tui -z "${seconds}s" -q "$rate" -c 50 "${flags[@]}" "$url"
        fi
      done
    done
    ours=$(spread ours)
    theirs='- -'
    [ -n "$oha" ] && theirs=$(spread theirs)
    echo "$mode $rate $ours $theirs $before $(processor)" | awk '{
      printf "%-10s %6d   %11.1f %11.1f   ", $1, $2, $3, $4
      if ($5 == "-") printf "%11s %11s   %6s %6s", "-", "-", "-", "-"
      else printf "%11.1f %11.1f   %6.2f %6.2f", $5, $6, $3 / $5, $4 / $6
      printf "   %4.1f %%\n", 100 * ($9 - $7) / ($10 - $8) }'
  done
done

printf '\nschedule lag in seconds, one line a run\n'
for mode in fresh keepalive; do
  for rate in 1000 5000; do
    sed "s/^/$mode $rate  /" "$scratch/lag-$mode-$rate"
  done
done
uptime
exec {SERVER[1]}>&-
