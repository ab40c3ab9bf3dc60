//! SRU019: two tasks write to one volume.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU019",
    name: "two-writers",
    severity: Severity::Error,
    title: "start-first has two tasks write to one volume",
    why: "Old and new task run at the same time. A database that owns its data folder refuses to start, \
          or damages it.",
    page: "\
Error if a service that is updated start-first has a writable named volume and its image is a known
database or broker, hint for other images: they may share a volume, for uploads for example.

Sources: the documents of the databases; swarmkit manager/orchestrator/update/updater.go.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let Some(data) = s.writable_data().filter(|_| s.is_start_first()) else {
        return Vec::new();
    };
    let draft = |message: String| Draft::new("update_config.order", message);
    vec![if s.is_database() {
        let message = format!(
            "start-first: the old and the new {} write to `{data}` at once",
            s.image_name()
        );
        draft(message)
            .set("update_config.order", "stop-first")
            .set("rollback_config.order", "stop-first")
    } else {
        draft(format!("start-first: the old and the new task write to `{data}` at once"))
            .severity(Severity::Hint)
            .help(
                "make sure that the program can share it, or set `update_config.order: stop-first`",
            )
    }]
}
