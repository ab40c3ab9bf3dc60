//! What a stack file will do wrong in an update, found without an engine.
//!
//! [`lint()`] looks at every service with every rule of [`RULES`]. A rule is one file in `rules/`
//! and a line in that table. Rules decide on what the engine would be sent
//! ([`ServiceBody`](crate::stack::ServiceBody)) and on what the model of Swarm says about it
//! ([`plan`](crate::plan)): a threshold is computed, not guessed, wherever the model knows it.

mod finding;
mod formats;
mod ignore;
mod rule;
mod rules;
mod subject;
mod tools;

pub use finding::{Figure, Finding, Findings, Fix, Ignored};
pub use formats::{FORMATS, Format, JSON, Look, TEXT, find_format};
pub use rule::{Rule, Severity};
pub use rules::RULES;
pub use tools::tools_of_checks;

use ignore::Ignore;
use rules::{IGNORE_WITHOUT_REASON, UNUSED_IGNORE};
use subject::{NAMESPACE, Subject};

use std::collections::BTreeMap;

use crate::stack::{Paste, Stack};
use crate::swarm::EngineVersion;
use crate::{Offset, Place, Result};

/// What the user knows of the service and its surroundings; what is absent is assumed.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Time from the start of a container until its program is ready (1 s).
    pub boot: Option<Offset>,
    /// Time from the stop signal to the end of the program (0.1 s).
    pub stop: Option<Offset>,
    /// The release of the engine (the newest that is known).
    pub engine: Option<EngineVersion>,
    /// Nodes of the swarm (as many as the service needs).
    pub nodes: Option<usize>,
    /// What an engine says of images, by their names as in the file. Of others nothing is known.
    pub images: BTreeMap<String, ImageFacts>,
}

/// What is known of an image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ImageFacts {
    /// Its `HEALTHCHECK` (`Config.Healthcheck`), if it has one.
    pub healthcheck: Option<serde_json::Value>,
    /// Of the programs that health checks of the stack run in it: those that it lacks.
    pub lacks: Vec<String>,
}

/// The rule of a number, in any case.
#[must_use]
pub fn rule(number: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.number.eq_ignore_ascii_case(number))
}

/// Looks at the services of a stack, or at one of them.
///
/// # Errors
/// A stack that docker would not deploy, whatever the rules say; a service that it does not have.
pub fn lint(stack: &Stack, service: Option<&str>, conditions: &Conditions) -> Result<Findings> {
    let bodies = stack.services(NAMESPACE)?;
    let names: Vec<&str> = bodies.iter().map(subject::key).collect();
    if let Some(wanted) = service
        && !names.contains(&wanted)
    {
        let error = crate::Error::usage(format!("the stack has no service `{wanted}`"));
        return Err(error.hint(format!("its services are {}", crate::wording::list(&names))));
    }
    let mut findings = Findings::default();
    let ignores: Vec<Ignore> =
        stack.texts().flat_map(|(name, text)| ignore::ignores(name, text)).collect();
    let mut used: Vec<Vec<&str>> = vec![Vec::new(); ignores.len()];
    for body in &bodies {
        // Jobs are not updated. The others are looked at too, to know which comments are of use.
        if body.is_job() {
            continue;
        }
        let subject = Subject::new(body, &bodies, stack, conditions);
        let chosen = service.is_none_or(|wanted| wanted == subject.name);
        findings.services += usize::from(chosen);
        let home = stack.place(subject.name, "service");
        for finding in RULES.iter().flat_map(|rule| found(rule, &subject)) {
            let covers = |ignore: &Ignore| {
                let places = [Some(&finding.place), home.as_ref()];
                places.into_iter().flatten().any(|place| ignore.covers(finding.rule.number, place))
            };
            let at = ignores.iter().position(covers);
            if let Some(at) = at {
                used[at].push(finding.rule.number);
            }
            match at {
                _ if !chosen => {}
                Some(at) => {
                    let reason = ignores[at].reason.clone();
                    findings.ignored.push(Ignored { finding, reason });
                }
                None => findings.list.push(finding),
            }
        }
    }
    if service.is_none() {
        findings.list.extend(about_comments(&ignores, &used));
    }
    let order = |place: &Place| (place.file.clone(), place.line, place.column);
    findings.list.sort_by(|one, other| {
        let by_severity = other.severity.cmp(&one.severity);
        order(&one.place).cmp(&order(&other.place)).then(by_severity)
    });
    Ok(findings)
}

/// What a rule finds in a service.
fn found(rule: &'static Rule, subject: &Subject) -> Vec<Finding> {
    let place = |about: &[&'static str]| {
        let blocks = about.iter().flat_map(|name| {
            let block = name.split_once('.').map(|(block, _)| block);
            [Some(*name), block].into_iter().flatten()
        });
        let deploy = about.iter().any(|name| Paste::new(name, "").is_in_deploy());
        let mut names = blocks.chain(deploy.then_some("deploy")).chain(["service"]);
        names.find_map(|name| subject.stack.place(subject.name, name))
    };
    (rule.check)(subject)
        .into_iter()
        .filter_map(|draft| {
            let place = without_values(place(&draft.about)?);
            Some(Finding::new(rule, Some(subject.name.to_owned()), draft, place))
        })
        .collect()
}

/// Environment values are not shown: a service on one line may have some.
fn without_values(mut place: Place) -> Place {
    if place.text.contains("environment") && place.text.contains(['{', '[']) {
        place.text = String::new();
    }
    place
}

/// Comments that are wrong themselves.
fn about_comments(ignores: &[Ignore], used: &[Vec<&str>]) -> Vec<Finding> {
    let mut list = Vec::new();
    for (ignore, used) in ignores.iter().zip(used) {
        for (rule, message) in [
            (&UNUSED_IGNORE, rules::unused(ignore, used)),
            (&IGNORE_WITHOUT_REASON, rules::without_reason(ignore)),
        ] {
            if let Some(draft) = message {
                list.push(Finding::new(rule, None, draft, ignore.place.clone()));
            }
        }
    }
    list
}
