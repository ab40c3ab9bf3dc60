# One line of facts from the events of one run (jq --slurp), for docs/findings.md.
def seconds: if . == null then null else . * 100 | round / 100 end;
. as $events
| ($events | map(select(.kind.type == "scenario-started")) | first) as $start
| ($events | map(select(.kind.type == "submitted")) | first) as $submitted
| $start.kind.service as $service
| ($submitted.kind.generation) as $new
| ($submitted.at) as $t0
| ($events | map(select(.kind.type == "service" and .kind.service == $service and .seen >= $t0))) as $states
| ($events | map(select(.kind.type == "task" and .kind.service == $service))) as $sights
| ($sights | group_by(.kind.task) | map({task: .[0].kind.task, slot: .[0].kind.slot,
    generation: .[0].kind.generation, first: .[0].seen, last: .[-1].kind,
    failed: (map(select(.kind.state == "failed" or .kind.state == "rejected" or .kind.state == "complete")) | first | .at),
    stopped: (map(select(.kind.desired == "shutdown")) | first | .seen)})
   | sort_by(.first)) as $tasks
| ($states | map(select(.kind.state == "rollback_started")) | first | .at) as $back
| ($tasks | map(select(.generation == $new and .first >= $t0))) as $fresh
| ($fresh | map(.slot) | unique) as $touched
| ($fresh | map(select(.failed != null)) | sort_by(.failed) | first) as $culprit
# Both tasks can come with the same poll, so their order says nothing.
| ($tasks | map(select($culprit != null and .slot == $culprit.slot and .task != $culprit.task
    and .generation == $new and .first >= $culprit.first)) | length) as $again
| {
    states: ($states | map(.kind.state) | map(select(. != "none"))),
    rollback_after_s: (if $back then ($back - $t0) | seconds else null end),
    first_failure_after_s: (if $culprit then ($culprit.failed - $t0) | seconds else null end),
    slots_with_new_tasks: ($touched | length),
    old_tasks_told_to_stop: ($tasks | map(select(.generation != $new and .first < $t0 and .stopped != null and .stopped >= $t0)) | length),
    # A: the failed task was restarted in its own version before the rollback began; B: it was not.
    race: (if $culprit == null or $back == null then null elif $again > 0 then "A" else "B" end),
    rolled_back_after_s: ($states | map(select(.kind.state == "rollback_completed")) | first | if . then (.at - $t0) | seconds else null end)
  }
