//! Each cause is told from those that look like it.

use rollproof::judge::{Cause, CauseGroup, Failure, Verdict};
use rollproof::record::{EndReason, EntryFacts, Expects, Outcome, Purpose, Shot, SpecMatch};
use rollproof::stack::ProxyPolling;
use rollproof::swarm::{Order, UpdateState};

use crate::judge_story::{
    GOOD_END, SUBMIT, Story, fail, good_update, healthcheck, judge, nothing, route,
};

// In a good update slots 3 and 1 are told to stop at 10.2, get their signal at 13.2, end at 13.4,
// and run again at 14.6; slots 6 and 2: 16.7, 19.7, 19.9 and 21.1.

/// The causes, and the first failure, of what `change` makes of a stream of this name.
pub fn causes(
    name: &str,
    health: bool,
    change: impl Fn(f64, &mut Shot),
) -> (Vec<CauseGroup>, Failure) {
    causes_in(good_update(), name, health, change)
}

fn causes_in(
    mut story: Story,
    name: &str,
    health: bool,
    change: impl Fn(f64, &mut Shot),
) -> (Vec<CauseGroup>, Failure) {
    story.run.meta.stack.healthcheck = health.then(healthcheck);
    for facts in [&mut story.run.meta.streams[0], &mut story.run.shots[0].0] {
        name.clone_into(&mut facts.name);
        facts.route = route(name, facts.purpose);
    }
    story.shots(GOOD_END + 0.5, change);
    let scenario = judge(&story.finish()).scenarios.into_iter().next().unwrap();
    (scenario.causes, scenario.failures.into_iter().next().unwrap())
}

fn from_to(from: f64, to: f64, outcome: Outcome, after: f64) -> impl Fn(f64, &mut Shot) {
    move |at, shot| {
        if (from..to).contains(&at) {
            fail(shot, outcome, after);
        }
    }
}

fn only(causes: &[CauseGroup]) -> (Cause, &str) {
    let [group] = causes else { panic!("{causes:?}") };
    assert!(group.remedy.is_some());
    (group.cause, &group.text)
}

#[test]
fn who_held_an_address_is_said_only_where_it_is_known() {
    let stopping = "sent to a task that was being stopped";
    let before_signal = from_to(11.0, 11.1, Outcome::Proxy502, 0.002);
    let (found, first) = causes("fresh", true, before_signal);
    assert_eq!(only(&found), (Cause::SentToStoppingTask, stopping));
    assert!(first.because.starts_with("sent to a task that was being stopped (slot "));

    let after_end = from_to(13.5, 13.6, Outcome::Proxy502, 0.002);
    let (found, first) = causes("fresh", true, after_end);
    let by_proxy =
        format!("{stopping}, by a proxy that still held its address or a connection to it");
    assert_eq!(only(&found), (Cause::SentToStoppingTask, by_proxy.as_str()));
    assert!(first.because.starts_with(&by_proxy));

    let (found, first) =
        causes("overlay-fresh", true, from_to(13.5, 13.6, Outcome::NoRoute, 0.002));
    let by_client = format!("{stopping}, by a client that still held its address");
    assert_eq!(only(&found), (Cause::SentToStoppingTask, by_client.as_str()));
    assert!(first.because.starts_with(&by_client) && !first.because.contains("proxy"));

    // One that is not known leaves it open for all.
    let (found, _) = causes("fresh", true, |at, shot| {
        if (11.0..11.1).contains(&at) || (13.5..13.6).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.002);
        }
    });
    assert_eq!(only(&found), (Cause::SentToStoppingTask, stopping));
}

#[test]
fn clients_and_proxies_together_are_both_named() {
    let mut story = good_update();
    story.run.meta.stack.healthcheck = Some(healthcheck());
    story.stream("overlay-fresh", Purpose::Users);
    for stream in [0, 1] {
        story.shots_of(stream, GOOD_END + 0.5, from_to(13.5, 13.6, Outcome::NoRoute, 0.002));
    }
    let judgement = judge(&story.finish());
    let (cause, text) = only(&judgement.scenarios[0].causes);
    assert_eq!(cause, Cause::SentToStoppingTask);
    assert!(text.ends_with(", by a client or proxy that still held its address"), "{text}");
    assert_eq!(judgement.scenarios[0].causes[0].streams, ["fresh", "overlay-fresh"]);
}

#[test]
fn a_refusal_inside_the_network_comes_from_a_task_that_is_there() {
    let refused = from_to(15.0, 15.1, Outcome::Refused, 0.001);
    let (found, first) = causes("overlay-fresh", true, refused);
    assert_eq!(only(&found).0, Cause::NewTaskNotReady, "the old ones are gone since 13.4");
    assert_eq!(first.nearest.unwrap().event, "running");
    let (found, _) = causes("overlay-fresh", true, from_to(15.0, 15.1, Outcome::NoRoute, 0.001));
    assert_eq!(only(&found).0, Cause::SentToStoppingTask);
    let (found, _) = causes("overlay-fresh", true, from_to(13.25, 13.3, Outcome::Refused, 0.001));
    assert_eq!(only(&found).0, Cause::SentToStoppingTask, "it listens no more, and is there");
}

#[test]
fn a_task_that_is_only_told_to_stop_still_answers() {
    // Slots 6 and 2 are told at 16.7; without a health check the new ones of 14.6 are suspect.
    let (found, first) = causes("fresh", false, from_to(16.8, 16.9, Outcome::Proxy502, 0.002));
    assert_eq!(only(&found).0, Cause::NewTaskNotReady);
    assert!([3, 1].contains(&first.nearest.unwrap().slot));
}

#[test]
fn a_slow_request_is_ended_by_the_stop_that_broke_it_off() {
    // Sent at 12.5, broken off by the end at 13.4, over a kept connection or not.
    for reused in [false, true] {
        let (found, _) = causes("slow", true, |at, shot| {
            if (12.5..12.52).contains(&at) {
                fail(shot, Outcome::Reset, 13.4 - at);
                shot.reused = reused;
            }
        });
        let text = "its container was stopped before it had finished the request";
        assert_eq!(only(&found), (Cause::KilledBeforeFinished, text));
    }
    // Broken off at the signal, though the container lives on for 0.2 s.
    let at_signal = |at: f64, shot: &mut Shot| {
        if (8.0..8.02).contains(&at) || (12.5..12.52).contains(&at) {
            fail(shot, Outcome::Cut, 13.21 - at);
        }
    };
    let (found, _) = causes("slow", true, at_signal);
    assert_eq!(only(&found).0, Cause::KilledBeforeFinished, "some were sent before the change");
    assert_eq!(found[0].failed, 8);
    // Two pairs end while it is in hand: the second one broke it off.
    let long = |usual: f64| {
        causes("slow", true, move |at, shot| {
            if (12.5..12.52).contains(&at) {
                fail(shot, Outcome::Proxy502, 19.91 - at);
            } else if at < 1.0 {
                fail(shot, Outcome::Ok, usual);
            }
        })
    };
    let (found, first) = long(7.0);
    assert_eq!(only(&found).0, Cause::KilledBeforeFinished);
    assert!([6, 2].contains(&first.nearest.unwrap().slot));
    // No answer of this stream takes so long: the proxy was trying to reach somebody.
    let (found, _) = long(0.5);
    assert_ne!(only(&found).0, Cause::KilledBeforeFinished);
}

#[test]
fn a_container_that_is_killed_breaks_off_what_it_had_in_hand() {
    // Signalled at 13.2, killed at 14.4, told to have ended at 14.6.
    let killed = || {
        let mut story = good_update();
        story.ignore_signals(1.2);
        story
    };
    let broken_at = |sent: f64, done: f64| {
        move |at: f64, shot: &mut Shot| {
            if (sent..sent + 0.02).contains(&at) {
                fail(shot, Outcome::Proxy502, done - at);
            } else if at < 1.0 {
                fail(shot, Outcome::Ok, 2.0);
            }
        }
    };
    for sent in [12.5, 13.5, 14.3] {
        let (found, first) = causes_in(killed(), "slow", true, broken_at(sent, 14.39));
        assert_eq!(only(&found).0, Cause::KilledBeforeFinished, "sent at {sent}");
        assert!([3, 1].contains(&first.nearest.unwrap().slot));
    }
    let (found, _) = causes_in(killed(), "slow", true, broken_at(14.45, 14.55));
    assert_eq!(only(&found).0, Cause::SentToStoppingTask, "it was dead by then");
    // One that ends by itself, at 13.4, had finished what it took.
    let (found, _) = causes("slow", true, broken_at(13.25, 13.39));
    assert_eq!(only(&found).0, Cause::SentToStoppingTask);
}

#[test]
fn a_proxys_own_time_limit_meets_another_tasks_signal_by_chance() {
    // No answer took more than 0.2 s; the proxy gives up after 0.3 s, whatever happens.
    let limit = |from: f64, to: f64| {
        move |at: f64, shot: &mut Shot| {
            if (from..to).contains(&at) {
                fail(shot, Outcome::Proxy502, 0.3);
            } else if at < 1.0 {
                fail(shot, Outcome::Ok, 0.2);
            }
        }
    };
    // Slots 3 and 1 are gone since 13.4; 6 and 2 get their signal at 19.7.
    let (found, _) = causes("fresh", true, limit(13.5, 20.5));
    assert_eq!(only(&found).0, Cause::SentToStoppingTask);
    // All that is known ended at the signal.
    let (found, _) = causes("fresh", true, limit(19.5, 19.52));
    assert_eq!(only(&found).0, Cause::KilledBeforeFinished);
    // Nobody is gone yet whose address the proxy could hold.
    let (found, _) = causes("fresh", true, |at, shot| {
        limit(13.0, 13.1)(at, shot);
        limit(17.0, 17.1)(at, shot);
    });
    assert!(found.iter().any(|group| group.cause == Cause::KilledBeforeFinished), "{found:?}");
}

#[test]
fn a_request_that_was_sent_before_the_change_and_broken_off_by_it_is_the_changes_failure() {
    let verdict = |outcome: Outcome| {
        let mut story = good_update();
        story.shots(GOOD_END + 0.5, from_to(8.0, 8.1, outcome, 5.1));
        let judgement = judge(&story.finish());
        (judgement.verdict, judgement.scenarios[0].causes[0].cause)
    };
    assert_eq!(verdict(Outcome::Cut), (Verdict::Fail, Cause::KilledBeforeFinished));
    // Its answer was overdue at 9 s, before the change at 10 s.
    assert_eq!(verdict(Outcome::Timeout), (Verdict::Inconclusive, Cause::BeforeUpdate));
}

#[test]
fn a_kept_connection_may_have_been_idle_since_it_was_closed() {
    let closed = |from: f64| {
        move |at: f64, shot: &mut Shot| {
            if (from..from + 0.1).contains(&at) {
                fail(shot, Outcome::Reset, 0.001);
                shot.reused = true;
            }
        }
    };
    for from in [13.2, 13.5, 15.4] {
        let (found, _) = causes("keepalive", true, closed(from));
        let text = "a kept-alive connection was closed while the request was on its way";
        assert_eq!(only(&found), (Cause::KeptConnectionClosed, text), "{from}");
    }
    let (found, _) = causes("keepalive", true, closed(36.0));
    assert_eq!(found[0].cause, Cause::Unexplained, "nine seconds after the last end");
}

#[test]
fn a_good_answer_that_came_late_blames_who_was_asked_first() {
    let late = |at: f64, shot: &mut Shot| {
        if (14.7..14.8).contains(&at) || (36.0..36.1).contains(&at) {
            shot.outcome = Outcome::Late;
            shot.done = shot.sent.map(|sent| sent + rollproof::Offset::from_millis(1_500));
        }
    };
    let (found, _) = causes("fresh", true, late);
    let found: Vec<_> = found.iter().map(|group| (group.cause, group.failed)).collect();
    assert_eq!(found, [(Cause::SentToStoppingTask, 20), (Cause::Unexplained, 20)]);
}

#[test]
fn without_a_proxy_nothing_is_held_and_nothing_has_to_be_found() {
    let of = |name: &str| {
        let mut story = Story::new(0);
        story.run.meta.stack.healthcheck = Some(healthcheck());
        for facts in [&mut story.run.meta.streams[0], &mut story.run.shots[0].0] {
            facts.name = name.to_owned();
            facts.route = route(name, facts.purpose);
        }
        story.scenario("update", Expects::Update);
        for slot in 1..=6 {
            story.replace(slot, 2, SUBMIT + 0.1);
        }
        story.state(SUBMIT + 11.0, UpdateState::Completed, "update completed");
        story.end(SUBMIT + 13.0, SpecMatch::Submitted, EndReason::Settled);
        // The new ones run from 14.6 on.
        story.shots(SUBMIT + 13.5, |at, shot| {
            if shot.outcome == Outcome::Proxy503 {
                fail(shot, Outcome::Late, (14.6 - at).max(1.1));
            } else if (15.6..15.7).contains(&at) {
                fail(shot, Outcome::Refused, 0.001);
            }
        });
        let judgement = judge(&story.finish());
        let causes = judgement.scenarios[0].causes.iter();
        causes.map(|group| (group.cause, group.failed)).collect::<Vec<_>>()
    };
    assert_eq!(of("fresh"), [(Cause::HeldByProxy, 680), (Cause::NoHealthyReplica, 20)]);
    assert_eq!(of("overlay-fresh"), [(Cause::NoHealthyReplica, 680), (Cause::NewTaskNotReady, 20)]);
}

#[test]
fn each_cause_has_one_sentence_and_a_remedy() {
    let all = [
        Cause::NoHealthyReplica,
        Cause::HeldByProxy,
        Cause::SentToStoppingTask,
        Cause::KilledBeforeFinished,
        Cause::NewTaskNotReady,
        Cause::KeptConnectionClosed,
        Cause::ReplicaFailed,
        Cause::WrongVersion,
        Cause::BeforeUpdate,
        Cause::OwnLag,
    ];
    let mut texts: Vec<_> = all.iter().map(|cause| cause.text()).collect();
    assert!(all.iter().all(|cause| cause.remedy().is_some()));
    assert_eq!(Cause::Unexplained.remedy(), None, "no guess is made");
    assert!(texts.iter().all(|text| !text.ends_with('.') && !text.contains(". ")));
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), all.len());
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    assert!(judge(&story.finish()).scenarios[0].causes.is_empty());
}

/// Traefik asks Swarm every 15 s. The last tasks end at 26.4, and nothing changes after 27.6.
#[test]
fn a_proxy_that_polls_holds_addresses_until_it_asks_again() {
    let polling = |every_s: f64| ProxyPolling { proxy: "Traefik".into(), every_s, dnsrr: true };
    let lost = |found: Option<ProxyPolling>| {
        let mut story = good_update();
        story.run.meta.stack.polling = found;
        story.run.meta.stack.entry = Some(EntryFacts {
            service: "demo_proxy".into(),
            replicas: Some(1),
            host_port: true,
            moved: false,
            order: Order::StopFirst,
        });
        causes_in(story, "fresh", true, from_to(34.0, 34.1, Outcome::Timeout, 0.8)).0
    };
    for often in [None, Some(polling(1.0))] {
        assert_eq!(lost(often)[0].cause, Cause::Unexplained);
    }
    let seldom = lost(Some(polling(15.0)));
    assert_eq!(only(&seldom).0, Cause::SentToStoppingTask);
    let fix = seldom[0].remedy.as_deref().unwrap();
    assert!(fix.contains("refreshSeconds=1"), "{fix}");
}

/// Slots 6 and 2 get their signal at 19.7, while requests hang that were sent to slot 3 or 1, which are gone.
#[test]
fn a_request_that_hangs_is_in_no_hand_once_it_is_older_than_any_answer() {
    let hangs = from_to(15.0, 16.5, Outcome::Timeout, 5.0);
    let (found, _) = causes("fresh", true, hangs);
    assert_eq!(only(&found).0, Cause::SentToStoppingTask);
    let just_before = from_to(19.6, 19.65, Outcome::Timeout, 5.0);
    let (found, _) = causes("fresh", true, just_before);
    assert_eq!(only(&found).0, Cause::KilledBeforeFinished);
}
