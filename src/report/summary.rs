//! The short summary: at most twenty lines of eighty columns, the answer first.

use std::fmt::Write as _;

use super::format::{JudgementFormat, Material};
use super::missing::Missing;
use super::page::{INDENT, Page};
use super::pooled_summary::pooled_summary;
use super::requests::{of_users, table_within};
use super::services::in_one_line;
use super::settings::{proof, proof_label, settings, wanted};
use super::style::Style;
use crate::Offset;
use crate::judge::{
    Advice, Difference, Judgement, PooledStream, RollbackStory, ScenarioJudgement, Verdict,
};
use crate::record::Expects;
use crate::swarm::UpdateState;
use crate::wording::{counted, length};

/// What happened, why and what to change, in at most twenty lines.
pub const SUMMARY: JudgementFormat =
    JudgementFormat { name: "summary", about: "verdict, cause and fix in at most 20 lines", write };

/// The most lines that a summary has.
const LINES: usize = 20;
/// The same in less than eighty columns.
const LINES_IF_NARROW: usize = 30;
/// How many of the facts stand before the notes: settings and proof.
const BEFORE_NOTES: usize = 2;
/// The most reasons that it gives for an inconclusive run.
const REASONS: usize = 3;

fn write(material: Material, style: Style) -> String {
    match material {
        Material::One(judgement) => one(judgement, style),
        Material::Several(pooled) => pooled_summary(pooled, style),
    }
}

fn one(judgement: &Judgement, style: Style) -> String {
    let mut top = Page::new(style);
    top.head(judgement.verdict, &judgement.stack.service, &judgement.headline);
    top.blank();
    for scenario in &judgement.scenarios {
        scenario_lines(&mut top, scenario, &judgement.scenarios);
    }

    wanted(&mut top, judgement);

    let mut why = Page::new(style);
    match judgement.verdict {
        Verdict::Pass => {}
        Verdict::Fail => advice(&mut why, judgement),
        Verdict::Inconclusive => missing(&mut why, judgement),
    }

    let asked = of_users(PooledStream::all(
        judgement.scenarios.iter().flat_map(|scenario| &scenario.streams),
    ));

    let (mut set, mut proven) = (Page::new(style), Page::new(style));
    if !judgement.scenarios.is_empty() {
        settings(&mut set, &judgement.stack);
        let proof = proof(judgement);
        if !proof.is_empty() {
            proven.row(proof_label(judgement), &proof);
        }
    }

    let mut notes = Page::new(style);
    for scenario in &judgement.scenarios {
        let hidden: u64 = scenario.masked.iter().map(|masked| masked.count).max().unwrap_or(0);
        if hidden > 0 {
            let failures = counted(hidden, "failure");
            let text = format!("{}: the proxy most likely hid {failures}", name(scenario));
            notes.row("note", &text);
        }
    }
    // What a skipped self-test means stands in the proof.
    for caveat in judgement.caveats.iter().filter(|text| !text.starts_with("the self-test")) {
        notes.row("note", caveat);
    }

    let mut about = Page::new(style);
    if let Some(advice) = judgement.scenarios.iter().flat_map(ScenarioJudgement::all_advice).next()
    {
        more(&mut about, advice);
    }
    let mut facts = vec![set, proven, about];
    for scenario in &judgement.scenarios {
        let difference = scenario.prediction.as_ref().and_then(|found| found.difference.as_ref());
        if let Some(difference) = difference {
            let mut page = Page::new(style);
            page.row("model", &format!("{}: {}", name(scenario), differs_in_short(difference)));
            facts.push(page);
        }
    }

    let mut details = Page::new(style);
    details_line(&mut details, style);
    join(top, (why, asked), notes, facts, details)
}

/// Puts the parts together; what does not fit into the lines is left out: the model first, then notes, and
/// streams without failures.
fn join(
    mut top: Page,
    (why, asked): (Page, Vec<PooledStream>),
    notes: Page,
    facts: Vec<Page>,
    details: Page,
) -> String {
    let most = if top.style.columns() < Style::default().width { LINES_IF_NARROW } else { LINES };
    let mut left = most.saturating_sub(top.len() + details.len() + 1);
    let mut part = |page: Page, left: &mut usize| {
        if page.len() > 0 {
            *left = left.saturating_sub(page.len() + 1);
            top.blank();
            top.append(page);
        }
    };
    part(why, &mut left);
    let style = details.style;
    let table = table_within(left.saturating_sub(1), &asked, style);
    part(table, &mut left);
    top.blank();
    let mut notes = Some(notes).filter(|notes| notes.len() <= left);
    left -= notes.as_ref().map_or(0, Page::len);
    for (place, page) in facts.into_iter().enumerate() {
        if place == BEFORE_NOTES {
            notes.take().into_iter().for_each(|notes| top.append(notes));
        }
        if page.len() <= left {
            left -= page.len();
            top.append(page);
        }
    }
    top.append(details);
    top.text()
}

pub(super) fn name(scenario: &ScenarioJudgement) -> String {
    scenario.name.replace('-', " ")
}

/// One scenario: what Swarm did, how long it took, the fewest replicas; and why it rolled back.
fn scenario_lines(page: &mut Page, scenario: &ScenarioJudgement, all: &[ScenarioJudgement]) {
    let wide = |text: &str| text.chars().count();
    let names = all.iter().map(|one| wide(&name(one))).max().unwrap_or(0);
    let verdicts = all.iter().map(|one| wide(one.verdict.as_str())).max().unwrap_or(0);
    let word = match scenario.verdict {
        Verdict::Fail => "FAIL",
        other => other.as_str(),
    };
    let gap = verdicts - wide(word);
    let word = page.style.verdict(scenario.verdict, word);
    let indent = 2 + names + 2 + verdicts + 2;
    let first = format!("  {:names$}  {word}{:gap$}  ", name(scenario), "");
    page.column(&first, indent, &with_prediction(scenario));
    if let Some(story) = scenario.rollback.as_ref().filter(|_| !is_unexpected(scenario)) {
        page.column(&" ".repeat(indent), indent, &format!("cause: {}", cause(story)));
    }
    for service in &scenario.services {
        page.column(&" ".repeat(indent), indent, &in_one_line(service));
    }
    // The first scenario that is open stands in the headline or below.
    if scenario.verdict == Verdict::Inconclusive
        && all.iter().any(|one| one.verdict > scenario.verdict)
    {
        let open = scenario.checks.iter().find(|check| check.verdict == Verdict::Inconclusive);
        page.column(&" ".repeat(indent), indent, open.map_or("", |check| &check.because));
    }
}

/// What Swarm did, and when the model of Swarm has it end.
fn with_prediction(scenario: &ScenarioJudgement) -> String {
    let did = what_swarm_did(scenario);
    match scenario.prediction.as_ref().and_then(|prediction| prediction.finished_s) {
        Some(at) => {
            let (first, rest) = did.split_at(did.find(';').unwrap_or(did.len()));
            format!("{first} (predicted {}){rest}", length(at))
        }
        None => did,
    }
}

/// Where the prediction differs, and the setting behind it, or else the rule.
fn differs_in_short(difference: &Difference) -> String {
    match difference.setting {
        Some(setting) => format!("{} [{setting}]", difference.what),
        None => differs(difference),
    }
}

/// Where the prediction differs, and the rule behind it.
pub(super) fn differs(difference: &Difference) -> String {
    let setting = difference.setting.map(|name| format!(" [{name}]")).unwrap_or_default();
    format!("{}: {}{setting}", difference.what, difference.rule)
}

/// Whether the rollback is what failed: then its cause stands below.
pub(super) fn is_unexpected(scenario: &ScenarioJudgement) -> bool {
    scenario.expects != Expects::Rollback
}

/// Why Swarm rolled back: `slot 1 became unhealthy: 3 checks failed: "…"`.
pub(super) fn cause(story: &RollbackStory) -> String {
    match (story.trigger_slot, &story.trigger_error) {
        (Some(slot), Some(error)) if slot > 0 => format!("slot {slot} {error}"),
        (_, Some(error)) => format!("a task {error}"),
        _ => "not known: the engine named no task".to_owned(),
    }
}

/// Seconds since the change, for people.
pub(super) fn after(scenario: &ScenarioJudgement, at: Offset) -> String {
    length(at - scenario.update.submitted_at.unwrap_or(scenario.started_at))
}

/// What Swarm did with the change, how long it took, and the fewest replicas.
pub(super) fn what_swarm_did(scenario: &ScenarioJudgement) -> String {
    let update = &scenario.update;
    let terminal = update.converged.status_terminal;
    let at = |at: Option<Offset>| at.map_or_else(|| "?".to_owned(), |at| after(scenario, at));
    let ended = after(scenario, scenario.ended_at);
    let mut text = match (&scenario.rollback, update.final_state) {
        (Some(story), _) => {
            let began = after(scenario, story.started_at);
            match story.completed_at {
                Some(done) => {
                    format!("rolled back after {began}, done after {}", after(scenario, done))
                }
                None => format!("rolled back after {began}, not done after {ended}"),
            }
        }
        (None, UpdateState::Completed) if scenario.expects == Expects::Rollback => {
            format!("no rollback: completed after {}", at(terminal))
        }
        (None, UpdateState::Completed) => format!("updated in {}", at(terminal)),
        (None, UpdateState::Paused) if scenario.expects == Expects::Rollback => {
            format!("no rollback: paused after {}", at(terminal))
        }
        (None, UpdateState::Paused) => format!("paused after {}", at(terminal)),
        (None, UpdateState::None) if scenario.expects == Expects::NoChange => {
            "nothing replaced".to_owned()
        }
        (None, UpdateState::None) if update.replicas_changed.is_some() => String::new(),
        (None, UpdateState::None) => "no update was seen".to_owned(),
        (None, _) => format!("not done after {ended}"),
    };
    if let Some(changed) = update.replicas_changed {
        let separator = if text.is_empty() { "" } else { "; " };
        let _ = write!(text, "{separator}scaled from {} to {}", changed.from, changed.to);
    }
    // Without a change there is nothing to say about the replicas.
    if let Some(capacity) = scenario.capacity.as_ref().filter(|_| update.submitted_at.is_some()) {
        // What serves is what users notice: a task can be RUNNING and not yet, or no longer, answer.
        let lowest = match (capacity.min_serving, capacity.desired) {
            (0, _) => format!("; no replica served for {}", length(capacity.none_serving_s)),
            (_, 1) => "; the replica was never missing".to_owned(),
            (least, all) => format!("; never below {least} of {all} replicas"),
        };
        text.push_str(&lowest);
    }
    if scenario.failed > 0 {
        let _ = write!(text, "; {} lost", counted(scenario.failed, "request"));
    }
    text
}

/// Why it failed and what to change: a block for each cause.
fn advice(page: &mut Page, judgement: &Judgement) {
    let mut given: Vec<&Advice> = Vec::new();
    let all = judgement.scenarios.iter();
    for (scenario, advice) in all.flat_map(|one| one.all_advice().map(move |advice| (one, advice)))
    {
        if let Some(lost) = lost(scenario).filter(|_| given.is_empty()) {
            page.row("lost", &lost);
        }
        let same = |known: &&Advice| known.lines == advice.lines && known.text == advice.text;
        if given.iter().any(same) {
            continue;
        }
        given.push(advice);
        // The headline may have said it.
        if !judgement.headline.contains(&advice.because) {
            let why = page.style.title("why");
            page.row(&why, &advice.because);
        }
        fix(page, advice);
    }
}

/// The lines to paste, and where; or what to do instead.
pub(super) fn fix(page: &mut Page, advice: &Advice) {
    let label = page.style.title("fix");
    if let Some(text) = &advice.text {
        let place = advice.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let rule = advice.rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
        page.row(&label, &format!("{text}{place}{rule}"));
        return;
    }
    let place = advice.place.as_deref().map(|place| format!(", {place}")).unwrap_or_default();
    let rule = advice.rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
    page.row(&label, &format!("in {}{place}{rule}:", advice.target()));
    for line in &advice.lines {
        page.line(format!("{:INDENT$}{line}", ""));
    }
}

/// The command that shows the page of its rule.
pub(super) fn more(page: &mut Page, advice: &Advice) {
    if let Some(command) = advice.page() {
        page.row("more", &command);
    }
}

/// When requests were lost, and whether that is proven to be the update's doing; with the cause of most
/// if they were allowed.
pub(super) fn lost(scenario: &ScenarioJudgement) -> Option<String> {
    let first = scenario.causes.iter().map(|group| group.first_at).min()?;
    let last = scenario.causes.iter().map(|group| group.last_at).max()?;
    let mut text =
        format!("from {} to {} after the change", after(scenario, first), after(scenario, last));
    let check = scenario.checks.iter().find(|check| check.name == "no-failed-requests");
    if let Some(check) = check.filter(|check| check.verdict == Verdict::Inconclusive) {
        let _ = write!(text, "; {}", check.because);
    }
    // Allowed ones are not what the advice is about.
    let mut of_losses = scenario.checks.iter().filter(|check| check.is_of_losses());
    if let Some(most) =
        scenario.causes.first().filter(|_| of_losses.all(|check| check.verdict == Verdict::Pass))
    {
        let _ = write!(text, ": {}", most.text);
    }
    Some(text)
}

/// What an inconclusive run misses, and what to do.
fn missing(page: &mut Page, judgement: &Judgement) {
    let Missing { reasons, todo } = Missing::of(judgement);
    for reason in reasons.iter().take(REASONS) {
        page.row("why", reason);
    }
    if reasons.len() > REASONS {
        page.more(&format!("and {} more", reasons.len() - REASONS));
    }
    for text in todo.iter().take(2) {
        let label = page.style.title("do");
        page.row(&label, text);
    }
}

/// Where more stands. The run's id is enough where the path does not fit.
pub(super) fn details_line(page: &mut Page, style: Style) {
    let Some(record) = style.record else { return };
    let long = format!("rollproof report -v  ({})", record.display());
    if INDENT + long.chars().count() <= style.columns() {
        page.row("details", &format!("rollproof report -v ({})", record.display()));
        return;
    }
    let id = record.file_name().map(|name| name.to_string_lossy().into_owned());
    page.row("details", &format!("rollproof report -v {}", id.unwrap_or_default()));
}
