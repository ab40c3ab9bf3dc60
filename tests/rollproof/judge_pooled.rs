//! Several runs together.

use rollproof::Offset;
use rollproof::judge::{Judgement, Pooled, Verdict};
use rollproof::record::Outcome;
use rollproof::report::{DETAILS, JSON, Material, SUMMARY, Style};

use crate::judge_story::{
    GOOD_END, ROLLBACK_END, assert_near, fail, good_rollback, good_update, judge, nothing,
};

fn named(mut judgement: Judgement, number: usize) -> Judgement {
    judgement.run_id = format!("run-{number}");
    judgement
}

fn clean() -> Judgement {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    judge(&story.finish())
}

fn lossy() -> Judgement {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (13.4..13.8).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    judge(&story.finish())
}

fn untrusted(lossy: bool) -> Judgement {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (20.0..20.02).contains(&at) {
            (shot.outcome, shot.sent, shot.done) = (Outcome::Unsent, None, None);
        }
        if lossy && (13.4..13.8).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    judge(&story.finish())
}

fn pool(judgements: Vec<Judgement>) -> Pooled {
    let numbered = judgements.into_iter().enumerate();
    let judgements: Vec<_> = numbered.map(|(number, run)| named(run, number + 1)).collect();
    Pooled::of(&judgements)
}

fn assert_share(found: f64, expected: f64) {
    assert!((found - expected).abs() < 0.000_1, "{found} is not {expected}");
}

#[test]
fn clean_runs_bound_the_share_of_updates_that_lose_a_request() {
    let pooled = pool((0..5).map(|_| clean()).collect());
    assert_eq!((pooled.verdict, pooled.runs), (Verdict::Pass, 5));
    assert!(pooled.because.is_empty());
    let [update] = pooled.scenarios.as_slice() else { panic!("one kind") };
    assert_eq!((update.updates, update.lost, update.left_out), (5, 0, 0));
    assert_share(update.loss_rate_upper_95, 0.4507);
    let claims: Vec<_> =
        update.claims.iter().map(|claim| (claim.one_in, claim.needed, claim.missing)).collect();
    let expected =
        [(10, Some(29), Some(24)), (20, Some(59), Some(54)), (100, Some(299), Some(294))];
    assert_eq!(claims, expected);
    assert!(update.claims.iter().all(|claim| !claim.proven));
    let [fresh] = pooled.streams.as_slice() else { panic!("one stream") };
    assert_eq!((fresh.sent, fresh.failed), (5 * 6_320, 0));
    assert_share(fresh.error_rate_upper_95, 3.0 / 31_600.0);
    assert_near(fresh.worst_p999_s, 0.003);
    assert_eq!(pooled.per_run[4].run_id, "run-5");
}

#[test]
fn enough_clean_runs_prove_a_claim() {
    let one = clean();
    for (runs, proven) in [(28, false), (29, true)] {
        let pooled = pool(vec![one.clone(); runs]);
        let claim = &pooled.scenarios[0].claims[0];
        assert_eq!((claim.one_in, claim.proven), (10, proven), "{runs}");
        assert_eq!(claim.missing, Some(u64::from(!proven)));
    }
}

#[test]
fn the_worst_run_decides_and_losses_are_counted_by_update() {
    let mut story = good_rollback();
    story.shots(ROLLBACK_END + 0.5, nothing);
    let rollback = judge(&story.finish());
    let pooled = pool(vec![clean(), lossy(), untrusted(false), untrusted(true), rollback]);
    assert_eq!(pooled.verdict, Verdict::Fail);
    assert!(pooled.because.iter().all(|reason| {
        reason.starts_with("run-2: update: 80 requests lost")
            || reason.starts_with("run-4: update: 80 requests lost")
    }));
    assert_eq!(pooled.because.len(), 2, "{:?}", pooled.because);
    let [update, broken] = pooled.scenarios.as_slice() else { panic!("two kinds") };
    // A proven loss counts whatever else was missing; that nothing was lost needs all of it.
    assert_eq!((update.updates, update.lost, update.left_out), (3, 2, 1));
    assert_eq!(update.claims[0].needed, Some(61));
    assert_eq!(update.claims[0].missing, Some(58));
    assert_eq!((broken.name.as_str(), broken.updates, broken.lost), ("broken-update", 1, 0));
    let runs: Vec<_> =
        pooled.per_run.iter().map(|run| (run.verdict, run.failed, run.sent)).collect();
    assert_eq!(
        runs,
        [
            (Verdict::Pass, 0, 6_320),
            (Verdict::Fail, 80, 6_320),
            (Verdict::Inconclusive, 0, 6_316),
            (Verdict::Fail, 80, 6_316),
            (Verdict::Pass, 0, 4_520)
        ]
    );
    assert_near(Some(pooled.per_run[1].longest_gap_s), 0.4);
    assert_eq!(pooled.per_run[0].rollback_s, None);
    assert_near(pooled.per_run[4].rollback_s, 8.1);
    assert_near(Some(pooled.streams[0].longest_gap_s), 0.4);
    assert_eq!(pooled.streams[0].failed, 160);
}

#[test]
fn a_run_that_is_not_whole_shows_no_absence_of_losses() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    let mut run = story.finish();
    run.incomplete = Some("the record was not closed".to_owned());
    let pooled = pool(vec![judge(&run), clean()]);
    assert_eq!(pooled.verdict, Verdict::Inconclusive);
    assert_eq!((pooled.scenarios[0].updates, pooled.scenarios[0].left_out), (1, 1));
    // Nor one whose self-test went unnoticed.
    let mut unnoticed = clean();
    let mut check = unnoticed.scenarios[0].checks[0].clone();
    check.verdict = Verdict::Inconclusive;
    unnoticed.checks.push(check);
    assert_eq!(pool(vec![unnoticed]).scenarios[0].left_out, 1);
}

#[test]
fn no_run_proves_nothing() {
    let pooled = pool(vec![]);
    assert_eq!(pooled.verdict, Verdict::Inconclusive);
    assert_eq!(pooled.because, ["no run began"]);
}

#[test]
fn the_summary_has_bounds_runs_and_what_is_missing() {
    let pooled = pool(vec![clean(), lossy(), untrusted(false)]);
    let text = (SUMMARY.write)(Material::Several(&pooled), Style::default());
    insta::assert_snapshot!("pooled", text);
    let text = (DETAILS.write)(Material::Several(&pooled), Style::default());
    insta::assert_snapshot!("pooled-details", text);
}

#[test]
fn the_json_has_its_fields() {
    let text = (JSON.write)(Material::Several(&pool(vec![clean(), lossy()])), Style::default());
    assert!(text.ends_with("}\n"));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&report["schema_version"], &report["runs"]), (&1.into(), &2.into()));
    assert_eq!((&report["verdict"], &report["service"]), (&"fail".into(), &"demo_app".into()));
    assert_eq!(report["per_run"][1]["failed"], 80);
    let update = &report["scenarios"][0];
    assert_eq!((&update["updates"], &update["lost"]), (&2.into(), &1.into()));
    assert_eq!(update["expects"], "update");
    assert_eq!(update["claims"][0]["needed"], 46);
    assert!(update["loss_rate_upper_95"].is_number());
    let stream = &report["streams"][0];
    assert_eq!((&stream["sent"], &stream["purpose"]), (&12_640.into(), &"users".into()));
    for field in ["error_rate_upper_95", "longest_gap_s", "worst_p99_s", "worst_p999_s"] {
        assert!(stream[field].is_number(), "{field}");
    }
    assert_eq!(
        Offset::from_secs_f64(stream["longest_gap_s"].as_f64().unwrap()),
        Offset::from_millis(400)
    );
}
