//! Recorded runs of which it is known what really happened. They are thinned out; nothing else of
//! them was changed.

use std::path::Path;

use rollproof::judge::{Judgement, Verdict};
use rollproof::record::RecordReader;

use crate::judge_story::{check, judge};

fn recorded(name: &str) -> Judgement {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records").join(name);
    judge(&RecordReader::open(&folder).unwrap())
}

#[test]
fn a_proxy_that_answers_by_itself_while_nothing_serves_is_no_pass() {
    let judgement = recorded("host-routed-nothing-serves");
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    let check = check(&judgement.scenarios[0], "answered-by-replicas");
    assert_eq!(check.verdict, Verdict::Inconclusive);
    assert!(judgement.headline.contains("something else answers"), "{}", judgement.headline);
    assert!(check.remedy.as_deref().unwrap().contains("--url"));
}

#[test]
fn a_change_of_the_number_of_replicas_alone_is_a_pass() {
    let judgement = recorded("scaled-down");
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
    let changed = judgement.scenarios[0].update.replicas_changed.unwrap();
    assert_eq!((changed.from, changed.to), (3, 2));
    assert!(!judgement.caveats.iter().any(|caveat| caveat.contains("judged by the former")));
}

#[test]
fn an_image_that_cannot_be_resolved_is_the_reason_and_not_a_busy_machine() {
    let judgement = recorded("image-unresolvable-29");
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.headline.contains("failed to resolve reference"), "{}", judgement.headline);
    let advice = judgement.scenarios[0].advice.as_ref().unwrap();
    assert!(advice.text.as_deref().unwrap().contains("image"), "{advice:?}");
}

#[test]
fn a_host_port_that_start_first_cannot_have_is_the_reason() {
    let judgement = recorded("host-port-start-first");
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.headline.contains("host-mode port"), "{}", judgement.headline);
    let advice = judgement.scenarios[0].advice.as_ref().unwrap();
    assert_eq!(advice.lines, ["update_config:", "  order: stop-first"]);
}
