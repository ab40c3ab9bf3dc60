#!/usr/bin/env bash
# Measures `rollproof probe` against oha, side by side on the same server, and prints ratios.
#
#   benches/compare.sh [rounds] [protocol…]   oha is taken from $OHA or the PATH; without it, only the
#                                             figures of the prober are printed
#
# The protocols are http (the default), https and http2 (over TLS). In http2, new connections are measured
# for the prober alone: oha 1.16 keeps its connections there, whatever it is told. $RATES (default
# "1000 5000") and $MODES (default "fresh keepalive") choose rows. Client and server together need some 0.6 ms
# of processor time for a new TLS connection, so two cores cannot bear 5,000 a second.
#
# CPU time is that of the whole process, user and system, divided by the number of responses: on a
# busy machine, oha sends fewer requests than it should, while the prober sends them late. The two
# run one after the other in each round, in alternating order. Both keep 50 connections. The best and
# the median of the rounds are printed.
#
# If the hypervisor gives time to other machines, the cost of resuming counts for the process that was
# running. A run in which they had more than $STEAL percent (default 0.5) of the processor time is
# discarded and repeated, with at most six times as many runs as rounds. The last two columns are the
# numbers of discarded runs. A note follows each row that has fewer runs than rounds.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-3}
shift "$(($# < 1 ? $# : 1))"
[ $# -gt 0 ] || set -- http
seconds=${SECONDS_EACH:-8}
rates=${RATES:-1000 5000}
modes=${MODES:-fresh keepalive}
most=${STEAL:-0.5}
oha=${OHA:-$(command -v oha || true)}

source benches/serve.sh

# processor: jiffies taken by other machines, and the total.
processor() {
  awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i; print $9, all; exit }' /proc/stat
}

# cpu NAME RESPONSES COMMAND… appends the CPU microseconds of COMMAND per response to the samples of
# NAME, or to the discarded ones, and sets $stolen, in percent. RESPONSES is a sed expression that
# finds the number of responses in the output.
cpu() {
  local name=$1 responses=$2 number before
  shift 2
  local TIMEFORMAT='%U %S'
  before=$(processor)
  { time "$@" >"$scratch/out" 2>"$scratch/err" || true; } 2>"$scratch/time"
  stolen=$(echo "$before $(processor)" | awk '{ printf "%.2f", 100 * ($3 - $1) / ($4 - $2) }')
  number=$(sed -n "$responses" "$scratch/out" | head -1)
  if [ -z "$number" ]; then
    cat "$scratch/out" "$scratch/err" >&2
    echo "cannot read the number of responses of $1" >&2
    exit 1
  fi
  awk -v stolen="$stolen" -v most="$most" 'BEGIN { exit !(stolen > most) }' && name=$name.discarded
  awk -v n="$number" '{ printf "%.2f\n", ($1 + $2) * 1e6 / n }' "$scratch/time" >>"$scratch/$name"
}

# lines NAME: number of samples.
lines() { wc -l <"$scratch/$1"; }

# wanted NAME: whether more samples are needed.
wanted() { [ "$(lines "$1")" -lt "$rounds" ]; }

# spread NAME: best and median of the samples.
spread() {
  sort -n "$scratch/$1" | awk '{ v[NR] = $1 } END {
    if (NR) printf "%.1f %.1f\n", v[1], v[int((NR + 1) / 2)]
    else print "- -" }'
}

printf '%-5s %-10s %6s   %23s   %23s   %13s   %10s\n' '' '' '' 'rollproof µs/request' 'oha µs/request' 'ratio' 'discarded'
printf '%-5s %-10s %6s   %11s %11s   %11s %11s   %6s %6s   %4s %4s\n' \
  "" connections rate best median best median best median ours oha

# measure PROTOCOL MODE RATE: prints one row.
measure() {
  local protocol=$1 mode=$2 rate=$3 flags=(--disable-keepalive) kept=() address=$url name
  [ "$mode" = keepalive ] && flags=() kept=(--connections 50)
  local theirs=$oha trusted=(--cacert "$scratch/certificate.pem")
  case $protocol in
    http) ;;
    https) address=$secure flags+=("${trusted[@]}") kept+=("${trusted[@]}") ;;
    http2) address=$secure flags+=("${trusted[@]}" --http2) kept+=("${trusted[@]}" --http2) ;;
    *) echo "no protocol $protocol: http, https or http2" >&2 && exit 2 ;;
  esac
  [ "$protocol $mode" = 'http2 fresh' ] && theirs=
  for name in ours theirs ours.discarded theirs.discarded; do : >"$scratch/$name"; done
  for round in $(seq $((rounds * 6))); do
    for turn in 0 1; do
      if [ $(((round + turn) % 2)) = 0 ]; then
        wanted ours || continue
        cpu ours 's/^ *"ok": \([0-9]*\),$/\1/p' \
          "$probe" probe "$address" --rate "$rate" --for "${seconds}s" "--$mode" "${kept[@]}" --json
        echo "$stolen %  $(sed -n '/"lag_s"/,/}/p' "$scratch/out" | tr -d '\n ')" \
          >>"$scratch/lag-$protocol-$mode-$rate"
      elif [ -n "$theirs" ]; then
        wanted theirs || continue
        cpu theirs 's/^ *\[200\] \([0-9]*\) responses$/\1/p' \
          "$oha" --no-tui -z "${seconds}s" -q "$rate" -c 50 "${flags[@]}" "$address"
      fi
    done
  done
  echo "$protocol $mode $rate $(spread ours) $(spread theirs) $(lines ours.discarded) $(lines theirs.discarded)" | awk '{
    printf "%-5s %-10s %6d   %11s %11s   %11s %11s", $1, $2, $3, $4, $5, $6, $7
    if ($4 == "-" || $6 == "-") printf "   %6s %6s", "-", "-"
    else printf "   %6.2f %6.2f", $4 / $6, $5 / $7
    printf "   %4d %4d\n", $8, $9 }'
  if wanted ours || { [ -n "$theirs" ] && wanted theirs; }; then
    echo "  only $(lines ours) and $(lines theirs) of $rounds runs had little enough stolen time"
  fi
}

for protocol; do
  for mode in $modes; do
    for rate in $rates; do
      measure "$protocol" "$mode" "$rate"
    done
  done
done

printf '\nsend lag in seconds, one line per run, after the share of time that the hypervisor took\n'
for protocol; do
  for mode in $modes; do
    for rate in $rates; do
      sed "s/^/$protocol $mode $rate  /" "$scratch/lag-$protocol-$mode-$rate"
    done
  done
done
uptime
exec {SERVER[1]}>&-
