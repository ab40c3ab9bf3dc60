//! Runs that something ended early.

use rollproof::judge::Verdict;
use rollproof::record::EventKind;

use crate::judge_story::{GOOD_END, good_update, judge, nothing};

#[test]
fn what_ended_the_run_early_is_the_reason_and_says_what_to_do() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    story.event(
        GOOD_END + 0.4,
        EventKind::RunFailed {
            text: "no good response from http://x/ within 75 s: status 404".to_owned(),
            hints: vec!["name another address with --url".to_owned()],
        },
    );
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(!judgement.whole);
    assert!(judgement.because[0].ends_with("status 404"), "{:?}", judgement.because);
    assert!(judgement.headline.contains("no good response"), "{}", judgement.headline);
    assert_eq!(judgement.what_to_do, ["name another address with --url"]);
}
