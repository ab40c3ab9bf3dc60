//! Each flaw of a measurement alone makes an otherwise passing run inconclusive.

use rollproof::Offset;
use rollproof::judge::{Limits, Verdict, judge};
use rollproof::record::{
    Event, EventKind, MachineLoad, NegativeControl, Outcome, Purpose, Run, Shot,
};

use crate::judge_story::{GOOD_END, fail, good_update, nothing};

/// A good update with everything that is measured, all of it sound.
fn sound() -> Run {
    let mut story = good_update();
    story.run.meta.negative_control = NegativeControl::Planned;
    story.stream("control", Purpose::Control);
    story.stream("negative", Purpose::NegativeControl);
    story.stream("each", Purpose::EachReplica);
    story.event(1.0, EventKind::NegativeControlStarted { service: "demo_lossy".to_owned() });
    story.event(3.0, EventKind::NegativeControlEnded { gave_up: None });
    for second in 1..=37 {
        let load = MachineLoad { busy: 400, stolen: 20, waiting: Some(100) };
        story.event(f64::from(second), EventKind::Machine(load));
    }
    story.shots(GOOD_END + 0.5, nothing);
    story.shots_of(1, GOOD_END + 0.5, nothing);
    story.shots_of(2, 3.5, |at, shot| {
        if (1.5..2.0).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    story.direct(3, GOOD_END + 0.5, |_, _, _| {});
    story.finish()
}

fn at(run: &mut Run, stream: usize, secs: f64) -> &mut Shot {
    let at = Offset::from_secs_f64(secs);
    run.shots[stream].1.iter_mut().find(|shot| shot.intended >= at).unwrap()
}

fn tell(run: &mut Run, at: f64, seen: f64, kind: EventKind) {
    let (at, seen) = (Offset::from_secs_f64(at), Offset::from_secs_f64(seen));
    run.events.push(Event { at, seen, kind });
    run.events.sort_by_key(|event| event.seen);
}

/// The check that the flaw breaks, and how it is made.
type Flaw = (&'static str, fn(&mut Run, &mut Limits));

const FLAWS: [Flaw; 17] = [
    ("observed", |run, _| {
        tell(run, 14.0, 14.0, EventKind::ObserverLost { text: "timeout".to_owned() });
        tell(run, 17.0, 17.0, EventKind::ObserverResumed);
    }),
    ("baseline-clean", |run, _| fail(at(run, 0, 4.0), Outcome::Refused, 0.001)),
    ("baseline-clean", |_, limits| limits.baseline_requests = 1_000_000),
    ("baseline-after", |run, _| fail(at(run, 0, GOOD_END + 0.2), Outcome::Refused, 0.001)),
    ("replicas-seen", |_, limits| limits.answers_per_replica = 1_000_000),
    ("control-clean", |run, _| fail(at(run, 1, 20.0), Outcome::Reset, 0.001)),
    ("probe-lag", |run, _| {
        let shot = at(run, 0, 20.0);
        shot.sent = Some(shot.intended + Offset::from_millis(600));
        shot.done = shot.sent;
    }),
    ("probes-unsent", |run, _| {
        let shot = at(run, 0, 20.0);
        (shot.outcome, shot.sent, shot.done) = (Outcome::Unsent, None, None);
    }),
    ("probes-unsent", |run, _| drop(run.shots[0].1.remove(4_000))),
    ("enough-probes", |_, limits| limits.error_rate_upper = 0.000_1),
    ("clock-steady", |run, _| {
        tell(run, 21.0, 20.0, EventKind::Phase { name: "x".to_owned(), text: "y".to_owned() });
    }),
    ("machine-free", |run, _| {
        for event in &mut run.events {
            if let EventKind::Machine(load) = &mut event.kind {
                load.stolen = 300;
            }
        }
    }),
    ("negative-control", |run, _| {
        for shot in &mut run.shots[2].1 {
            shot.outcome = Outcome::Ok;
        }
    }),
    ("negative-control", |run, _| {
        run.events.retain(|event| !matches!(event.kind, EventKind::NegativeControlEnded { .. }));
    }),
    ("the record is not whole", |run, _| run.incomplete = Some("it breaks off".to_owned())),
    ("the run was interrupted", |run, _| tell(run, 37.0, 37.0, EventKind::Interrupted)),
    ("probes-unsent", |run, _| drop(run.shots[1].1.drain(4_000..4_010))),
];

#[test]
fn everything_sound_passes() {
    let judgement = judge(&sound(), &Limits::default());
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
    let told = |name: &str| {
        let of_scenarios = judgement.scenarios.iter().flat_map(|scenario| &scenario.checks);
        of_scenarios.chain(&judgement.checks).any(|check| check.name == name)
    };
    for (name, _) in FLAWS.iter().filter(|flaw| !flaw.0.starts_with("the ")) {
        assert!(told(name), "{name}");
    }
}

#[test]
fn each_flaw_alone_makes_it_inconclusive() {
    for (number, (name, spoil)) in FLAWS.iter().enumerate() {
        let (mut run, mut limits) = (sound(), Limits::default());
        spoil(&mut run, &mut limits);
        let judgement = judge(&run, &limits);
        assert_eq!(judgement.verdict, Verdict::Inconclusive, "{number} {name}");
        let of_scenarios = judgement.scenarios.iter().flat_map(|scenario| &scenario.checks);
        let checks = of_scenarios.chain(&judgement.checks);
        let broken: Vec<_> =
            checks.filter(|check| check.verdict != Verdict::Pass).map(|check| check.name).collect();
        if name.starts_with("the ") {
            assert_eq!(broken, [""; 0], "{number} {name}");
            assert!(judgement.because[0].starts_with(name), "{:?}", judgement.because);
        } else {
            assert_eq!(broken, [*name], "{number}");
        }
        assert_eq!(judgement.because.len(), 1, "{number} {:?}", judgement.because);
    }
}
