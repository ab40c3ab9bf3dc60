#!/usr/bin/env bash
# Repeats the runs behind docs/findings.md on a private engine and counts what Swarm did.
#
#   benches/findings.sh [times] [word…]          each scenario whose name contains a word so many times
#                                                (default 5 and all; one takes 20 to 50 s); needs root,
#                                                dockerd and jq
#   LAB_ROOT=DIR benches/findings.sh …           with the engine in that root folder
#   FACTS=FILE benches/findings.sh …             adds to the facts of earlier runs
#   benches/findings.sh 0                        counts what is in FACTS once more
#
# Every run is a complete `rollproof try` with a record of its own; facts.jq reads the facts from it, one
# JSON object a run.
set -euo pipefail
cd "$(dirname "$0")/.."

times=${1:-5}
shift || true
program=${ROLLPROOF:-$(pwd)/${CARGO_TARGET_DIR:-target}/release/rollproof}
here=$(pwd)/benches/findings
facts=$(realpath -m "${FACTS:-.rollproof/findings.jsonl}")
mkdir -p "$(dirname "$facts")"
[ -x "$program" ] || { echo 'not built yet: run make driver app' >&2; exit 4; }
home=$(mktemp -d)
export ROLLPROOF_HOME=$home
engine=(--engine lab ${LAB_ROOT:+--lab-root "$LAB_ROOT"})
trap '"$program" --quiet down && rm -rf "$home"' EXIT
trap 'exit 130' INT TERM

# once FILE NAME: one run, and its facts.
once() {
  local code=0 run
  "$program" --quiet try "${engine[@]}" --fast --rate 50 "$1" --only "$2" --json \
    >"$home/out" 2>"$home/err" || code=$?
  run=$(realpath "$home/.rollproof/runs/latest") || { cat "$home/err" >&2; return 1; }
  jq --slurp --compact-output --from-file "$here/facts.jq" "$run/events.jsonl" >"$home/facts"
  jq --compact-output --null-input --arg name "$2" --slurpfile facts "$home/facts" \
    --slurpfile meta "$run/meta.json" --slurpfile out "$home/out" '
      $out[0][0] as $tried
      | {scenario: $name, engine: $meta[0].engine.version, verdict: $tried.verdict,
         outcome: ([$tried.scenario.checks[]? | select(.name == "outcome").measured] | first),
         lowest: $tried.scenario.capacity.min_running, because: $tried.because} + $facts[0]' |
    tee -a "$facts"
}

for _ in $(seq "$times"); do
  for file in "$here"/*.yml; do
    while read -r name; do
      if [ $# -gt 0 ]; then
        for word in "$@"; do [[ $name == *"$word"* ]] && once "$file" "$name"; done
      else
        once "$file" "$name"
      fi
    done < <("$program" scenarios "$file" --json | jq --raw-output '.[].name')
  done
done

[ -s "$facts" ] || exit 0
jq --slurp --raw-output '
  def spread: map(select(. != null)) | if length == 0 then "-" else "\(min) to \(max) s" end;
  def tally: group_by(.) | map("\(length) × \(.[0])") | join(", ");
  group_by([.scenario, .engine])[]
  | "\(.[0].scenario), engine \(.[0].engine): \(length) runs, \(map(select(.verdict == "pass")) | length) as predicted",
    "  states: \(map(.states | join(", ")) | tally)",
    "  outcome: \(map(.outcome) | tally); lowest: \(map(.lowest) | tally)",
    "  slots with new tasks: \(map(.slots_with_new_tasks) | tally); old tasks told to stop: \(map(.old_tasks_told_to_stop) | tally)",
    "  first failure after \(map(.first_failure_after_s) | spread), rollback after \(map(.rollback_after_s) | spread), rolled back after \(map(.rolled_back_after_s) | spread)",
    "  restart and rollback: \(map(.race // "-") | tally)"' "$facts"
