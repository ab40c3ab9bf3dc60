//! Whose something on an engine is.

use std::fmt;

use serde_json::{Value, json};

use crate::engine::{OWNER_LABEL, RUN_LABEL, ServiceView};
use crate::error::{Error, Result};
use crate::stack::ServiceBody;

/// Separates a stack's name from that of a service which rollproof runs beside it.
pub const COMPANION_MARK: &str = "_rollproof-";

/// Whether this is the name of a service that rollproof runs beside a stack: in its networks and under its
/// label, but in none of its files.
#[must_use]
pub fn is_companion(service: &str) -> bool {
    service.contains(COMPANION_MARK)
}

/// The marks of everything that rollproof creates on an engine: the state folder that owns it and
/// the run that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerMark {
    /// The id of the state folder.
    pub owner: String,
    /// The id of the run.
    pub run_id: String,
}

impl OwnerMark {
    /// Marks a service.
    pub fn on_service(&self, body: &mut ServiceBody) {
        body.set_label(OWNER_LABEL, &self.owner);
        body.set_label(RUN_LABEL, &self.run_id);
    }

    /// Marks the body of a network, secret or config.
    pub fn on_object(&self, body: &mut Value) {
        if !body["Labels"].is_object() {
            body["Labels"] = json!({});
        }
        body["Labels"][OWNER_LABEL] = json!(self.owner);
        body["Labels"][RUN_LABEL] = json!(self.run_id);
    }

    /// Gives a new spec of a service the marks that the service has.
    pub(super) fn keep_on_service(body: &mut ServiceBody, old: &ServiceBody) {
        for key in [OWNER_LABEL, RUN_LABEL] {
            if let Some(value) = old.label(key) {
                body.set_label(key, value);
            }
        }
    }

    /// Gives a new body of a secret or config the marks that it has; `label` looks one up.
    pub(super) fn keep_on_object<'a>(body: &mut Value, label: impl Fn(&str) -> Option<&'a str>) {
        for key in [OWNER_LABEL, RUN_LABEL] {
            if let Some(value) = label(key) {
                body["Labels"][key] = json!(value);
            }
        }
    }
}

/// Whose something on an engine is, as its marks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// This state folder's.
    Ours,
    /// Another state folder's.
    AnotherFolders,
    /// Not deployed by rollproof.
    Foreign,
}

impl Whose {
    /// What the marks say to the state folder with the id `owner`; `label` looks one up.
    pub fn of<'a>(owner: &str, label: impl Fn(&str) -> Option<&'a str>) -> Self {
        match (label(OWNER_LABEL), label(RUN_LABEL)) {
            (Some(mark), _) if mark == owner => Self::Ours,
            (None, None) => Self::Foreign,
            _ => Self::AnotherFolders,
        }
    }

    /// Whose a service is.
    #[must_use]
    pub fn service(owner: &str, service: &ServiceView) -> Self {
        Self::of(owner, |key| service.label(key))
    }

    /// Whose a stack is: ours only if every service of it is.
    #[must_use]
    pub fn stack(owner: &str, services: &[ServiceView]) -> Self {
        let whose = |service| Self::service(owner, service);
        services.iter().map(whose).find(|whose| *whose != Self::Ours).unwrap_or(Self::Ours)
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "was deployed from this folder",
            Self::AnotherFolders => "was deployed by rollproof from another folder",
            Self::Foreign => "was not deployed by rollproof",
        })
    }
}

/// Refuses something that is not ours, unless `adopt` says that it may be taken over. `what` names
/// it, such as `service shop_api`.
///
/// # Errors
/// A usage error that says whose it is.
pub fn refuse_unless_ours(what: &str, whose: Whose, adopt: bool) -> Result<()> {
    if whose == Whose::Ours || adopt {
        return Ok(());
    }
    let error = Error::usage(format!("{what} {whose} (`--adopt` takes it over)"));
    Err(match whose {
        Whose::AnotherFolders => {
            error.hint("run the command in that folder, or choose another stack name")
        }
        _ => error.hint("choose another stack name"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_folders_mark_makes_it_ours() {
        let of = |owner: Option<&'static str>, run: Option<&'static str>| {
            Whose::of("me", move |key| if key == OWNER_LABEL { owner } else { run })
        };
        assert_eq!(of(Some("me"), Some("r1")), Whose::Ours);
        assert_eq!(of(Some("you"), Some("r1")), Whose::AnotherFolders);
        // A mark from before owners were known proves nothing.
        assert_eq!(of(None, Some("r1")), Whose::AnotherFolders);
        assert_eq!(of(None, None), Whose::Foreign);
    }

    #[test]
    fn a_body_gets_both_marks_beside_its_own_labels() {
        let mark = OwnerMark { owner: "me".into(), run_id: "r1".into() };
        let mut body = json!({"Name": "n", "Labels": {"a": "b"}});
        mark.on_object(&mut body);
        assert_eq!(
            body["Labels"],
            json!({"a": "b", "rollproof.owner": "me", "rollproof.run": "r1"})
        );
    }
}
