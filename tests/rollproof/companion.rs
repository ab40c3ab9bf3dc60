//! The program's own services beside a stack, on a real swarm.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use rollproof::Clock;
use rollproof::Offset;
use rollproof::companion::{CompanionKind, CompanionOptions, Companions, asked_port};
use rollproof::deploy::OwnerMark;
use rollproof::engine::{DockerHost, Engine};
use rollproof::image::{companion_image, find_app_binary};
use rollproof::probe::{ProbeOrder, Prober, StreamPlan};
use rollproof::record::{Outcome, Purpose, Shot};

use super::workplace::{Workplace, docker, finish, until};

const HOUR: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_secs(30);

type Shots = Arc<Mutex<Vec<(usize, Shot)>>>;

/// The example on the shared engine, with everything the companions need.
struct Scene {
    place: Workplace,
    stack: &'static str,
    host: String,
    engine: Engine,
    clock: Clock,
    companions: Companions,
}

impl Scene {
    async fn new(stack: &'static str) -> Self {
        let place = Workplace::shared();
        let file = place.quick_example("replicated-dnsrr.yml");
        place.run(&["deploy", "-c", &file, stack]).expect(0);
        let host = place.docker_host();
        let engine = Engine::connect(DockerHost::parse(&host).unwrap()).await.unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_rollproof"));
        let begin = Instant::now();
        let image = companion_image(program, &find_app_binary(None).unwrap()).unwrap();
        let made = begin.elapsed();
        engine.load_image(&image.reference, image.archive.clone()).await.unwrap();
        let (size, all) = (image.archive.len() / 1_000_000, begin.elapsed());
        eprintln!("companion image: {size} MB, made in {made:.1?}, loaded after {all:.1?}");
        assert_eq!(engine.image(&image.reference).await.unwrap().unwrap().id, image.id);
        let clock = Clock::start();
        let owner = std::fs::read_to_string(place.state().join("id")).unwrap().trim().to_owned();
        let companions = Companions::plan(CompanionOptions {
            engine: engine.clone(),
            published_host: place.published_host(),
            stack: stack.to_owned(),
            mark: OwnerMark { owner, run_id: stack.to_owned() },
            image: image.reference.clone(),
            networks: vec![format!("{stack}_web")],
            clock,
            // A lie, which does not matter on one machine.
            clock_offset: Offset::from_millis(12_345),
            kinds: CompanionKind::ALL.to_vec(),
        })
        .await
        .unwrap();
        Self { place, stack, host, engine, clock, companions }
    }

    /// One stream to the service's name and one that asks each replica.
    async fn plans(&self) -> Vec<StreamPlan> {
        let app = format!("{}_app", self.stack);
        let service = self.engine.service(&app).await.unwrap().unwrap();
        let image = self.engine.image(service.spec.image()).await.unwrap();
        let port = asked_port(&service.spec, image.as_ref()).unwrap();
        let fresh = StreamPlan::new("in-fresh", &format!("http://{app}:{port}/"), 100.0);
        let each = StreamPlan::new("in-each", &format!("http://tasks.{app}:{port}/"), 20.0);
        let mut each = each.unwrap();
        each.purpose = Purpose::EachReplica;
        vec![fresh.unwrap(), each]
    }

    /// What is left of the stack on the engine.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for what in ["service", "network", "ps"] {
            let label = format!("label=com.docker.stack.namespace={}", self.stack);
            let mut args = vec![what];
            args.extend(if what == "ps" { vec!["--all"] } else { vec!["ls"] });
            args.extend(["--quiet", "--filter", &label]);
            let found = docker(&self.host, &args).expect(0).out;
            left.extend(found.lines().map(|id| format!("{what} {id}")));
        }
        left
    }
}

fn collect() -> (Shots, impl Fn(usize, Shot) + Send + Sync + 'static) {
    let shots = Shots::default();
    let sink = Arc::clone(&shots);
    (shots, move |stream, shot| sink.lock().unwrap().push((stream, shot)))
}

/// Each address of each tick once, evenly spaced, between two instants of the run.
#[track_caller]
fn check_schedule(shots: &[&Shot], rate_hz: f64, begin: Offset, end: Offset) {
    let mut ticks = BTreeMap::<Offset, Vec<Option<&str>>>::new();
    for shot in shots {
        assert!(shot.intended > begin && shot.intended < end, "{shot:?} not in {begin}..{end}");
        assert!(shot.done.is_none_or(|done| done >= shot.intended && done < end), "{shot:?}");
        ticks.entry(shot.intended).or_default().push(shot.to.as_deref());
    }
    for (tick, to) in &mut ticks {
        let all = to.len();
        to.sort_unstable();
        to.dedup();
        assert_eq!(to.len(), all, "asked twice at {tick}");
    }
    let ticks: Vec<Offset> = ticks.into_keys().collect();
    let interval = Offset::from_secs_f64(1.0 / rate_hz);
    for pair in ticks.windows(2) {
        // Told in microseconds.
        let error = (pair[1] - pair[0] - interval).abs();
        assert!(error <= Offset::from_nanos(2_000), "{} then {}", pair[0], pair[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_from_inside_the_network_arrive_exactly_once() {
    let scene = Scene::new("inside").await;
    let order = ProbeOrder::new(&scene.plans().await, HOUR).unwrap();
    let (shots, sink) = collect();
    let begin = scene.clock.now();
    let prober = scene.companions.start_prober(&order, 3, sink).await.unwrap();
    eprintln!("the prober inside speaks after {}", scene.clock.now() - begin);
    tokio::time::sleep(Duration::from_secs(4)).await;
    // Its thread goes before others, as the one on this side does.
    let threads = finish(Command::new("ps").args(["-eLo", "ni,comm,args"])).expect(0).out;
    let sender = |line: &&str| line.contains(" prober ") && line.contains("probe-agent");
    let sender = threads.lines().find(sender).unwrap_or_else(|| panic!("{threads}"));
    assert_eq!(sender.split_whitespace().next(), Some("-15"), "{sender}");
    let shares = docker(
        &scene.host,
        &["inspect", "--format", "{{.HostConfig.CpuShares}}", prober.container()],
    );
    assert_eq!(shares.expect(0).out.trim(), "29154");
    let stopping = scene.clock.now();
    let totals = prober.stop(SOON).await.unwrap();
    let end = scene.clock.now();

    let shots = std::mem::take(&mut *shots.lock().unwrap());
    let of = |stream: usize| -> Vec<&Shot> {
        shots.iter().filter(|(index, _)| *index == stream).map(|(_, shot)| shot).collect()
    };
    for (index, total) in totals.iter().enumerate() {
        let shots = of(3 + index);
        assert!(total.sent > 50, "{total:?}");
        assert_eq!(shots.len() as u64, total.sent + total.unsent.total());
        check_schedule(&shots, [100.0, 20.0][index], begin, end);
        // It sent until it was told to stop, give or take the way of the signal.
        let last = shots.iter().map(|shot| shot.intended).max().unwrap();
        assert!(last > stopping - Offset::from_millis(500), "{last} but {stopping}");
        let failed: Vec<_> = shots.iter().filter(|shot| shot.outcome.is_failure()).collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
    let each = of(4);
    let asked: BTreeSet<_> = each.iter().filter_map(|shot| shot.to.as_deref()).collect();
    let answered: BTreeSet<_> = each.iter().filter_map(|shot| shot.slot).collect();
    assert_eq!((asked.len(), answered.len()), (3, 3), "{asked:?} {answered:?}");
    let tasks = scene.engine.tasks(&format!("{}_app", scene.stack)).await.unwrap();
    let known: BTreeSet<_> = tasks.iter().flat_map(|task| &task.addresses).collect();
    assert!(asked.iter().all(|to| known.iter().any(|known| known == to)), "{asked:?} {known:?}");
    for quantile in [0.5, 0.99, 1.0] {
        let lag = totals[0].lag_at(quantile).as_nanos() / 1_000;
        eprintln!("lag of the prober inside: {quantile} {lag} us");
    }

    docker(&scene.host, &["stack", "rm", scene.stack]).expect(0);
    until("docker's own removal of the stack", HOUR / 60, || scene.left().is_empty().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_negative_control_fails_the_control_does_not_and_nothing_is_left() {
    let scene = Scene::new("control").await;
    let companions = &scene.companions;
    let order = ProbeOrder::new(&scene.plans().await, HOUR).unwrap();
    let names = companions.services();
    let begin = Instant::now();
    companions.deploy().await.unwrap();
    eprintln!("control and negative control answer after {:.1?}", begin.elapsed());
    let prober = companions.start_prober(&order, 0, |_, _| {}).await.unwrap();
    for name in &names {
        assert!(scene.engine.service(name).await.unwrap().is_some(), "{name}");
    }

    let plan = |kind: CompanionKind| {
        let mut plan =
            StreamPlan::new(kind.words(), &companions.url(kind).unwrap(), 100.0).unwrap();
        // Whether somebody answers is what counts here, not how busy the machine is.
        plan.deadline = Duration::from_secs(15);
        plan.connect_timeout = Duration::from_secs(15);
        plan.timeout = Duration::from_secs(20);
        plan
    };
    let plans = vec![plan(CompanionKind::Control), plan(CompanionKind::SelfTest)];
    let (sender, shots) = mpsc::channel();
    let sink = move |stream, shot: Shot| sender.send((stream, shot.outcome)).unwrap();
    let local = Prober::start(plans, scene.clock, sink).unwrap();
    for round in 0..2 {
        let begin = Instant::now();
        companions.lose_requests().await.unwrap();
        eprintln!("negative control, round {round}: {:.1?}", begin.elapsed());
    }
    local.stop().await.unwrap();
    let mut counts = [BTreeMap::<Outcome, u32>::new(), BTreeMap::new()];
    for (stream, outcome) in shots {
        *counts[stream].entry(outcome).or_default() += 1;
    }
    eprintln!("control {:?}, negative control {:?}", counts[0], counts[1]);
    assert!(counts[0].keys().all(|outcome| !outcome.is_failure()), "{counts:?}");
    assert!(counts[1].keys().any(|outcome| outcome.is_failure()), "{counts:?}");
    assert!(counts.iter().all(|counts| counts.contains_key(&Outcome::Ok)), "{counts:?}");

    // As if the run had been killed: the agent still sends, and a command removes the stack.
    drop(prober);
    assert!(!scene.left().is_empty());
    scene.place.run(&["down", scene.stack]).expect(0);
    assert_eq!(scene.left(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prober_that_ends_early_is_noticed_and_told() {
    let scene = Scene::new("early").await;
    let plans = scene.plans().await;
    let order = ProbeOrder::new(&plans, HOUR).unwrap();
    let (shots, sink) = collect();
    let mut prober = scene.companions.start_prober(&order, 0, sink).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(scene.engine.signal_container(prober.container(), "SIGKILL").await.unwrap());
    tokio::time::timeout(SOON, prober.ended()).await.unwrap();
    let error = prober.stop(SOON).await.unwrap_err();
    assert!(error.message().contains("ended with exit code 137"), "{error}");
    assert!(!shots.lock().unwrap().is_empty(), "what it had told is kept");
    scene.companions.remove().await.unwrap();

    // One that was not told to go on for so long.
    let order = ProbeOrder::new(&plans, Duration::from_secs(1)).unwrap();
    let mut prober = scene.companions.start_prober(&order, 0, |_, _| {}).await.unwrap();
    tokio::time::timeout(SOON, prober.ended()).await.unwrap();
    let error = prober.stop(SOON).await.unwrap_err();
    assert!(error.message().contains("took longer"), "{error}");
    scene.companions.remove().await.unwrap();

    // One that cannot do its work says so itself.
    let mut plan = plans[0].clone();
    plan.source = Some("192.0.2.77".parse().unwrap());
    let order = ProbeOrder::new(&[plan], HOUR).unwrap();
    let error = scene.companions.start_prober(&order, 0, |_, _| {}).await.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(error.message().contains("exit code 4"), "{error}: {cause}");
    assert!(cause.contains("192.0.2.77"), "{error}: {cause}");
    scene.companions.remove().await.unwrap();
    assert!(
        scene
            .engine
            .service_containers(&format!("{}_rollproof-prober", scene.stack))
            .await
            .unwrap()
            .is_empty()
    );
}
