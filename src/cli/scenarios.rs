//! `rollproof scenarios`, and finding the scenarios that are named on a command line.

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::console::Console;
use super::output::put_line;
use super::values::words;
use crate::error::{Error, Result};
use crate::scenario::{self, Declaration, Group, broken_update};

/// List the scenarios that `try` and `verify --scenario` perform
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof scenarios                      all, one line each\n  \
    rollproof scenarios never-healthy --json one, with what must happen")]
pub(super) struct ScenariosArgs {
    /// Scenarios or YAML files to list [default: all that are built in]
    #[arg(value_name = "NAME|FILE")]
    names: Vec<String>,
}

pub(super) fn run(args: &ScenariosArgs, console: &Console) -> Result<u8> {
    let listed =
        if args.names.is_empty() { scenario::all()?.to_vec() } else { chosen(&args.names)? };
    if console.global.json {
        let list: Vec<_> = listed
            .iter()
            .map(|one| {
                json!({
                    "name": one.name,
                    "about": one.about,
                    "list": one.group.name(),
                    "of_any_stack": one.needs_own_stack().is_none(),
                    "must": one.must,
                })
            })
            .collect();
        put_line(serde_json::Value::from(list))?;
        return Ok(0);
    }
    let width = listed.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let mut first = true;
    for group in Group::ALL {
        let mut of_group = listed.iter().filter(|one| one.group == group).peekable();
        if of_group.peek().is_none() {
            continue;
        }
        if !first {
            put_line("")?;
        }
        first = false;
        put_line(format!("{} (`--only {}`)", group.title(), group.name()))?;
        for one in of_group {
            put_line(format!("  {:width$}  {}", one.name, one.about))?;
        }
    }
    Ok(0)
}

/// Which scenarios are performed.
#[derive(Debug, Clone, Args)]
pub(super) struct ScenarioArgs {
    /// Scenario to perform: a name of `rollproof scenarios` or a YAML file; repeat for several
    /// [default: update, then broken-update]
    #[arg(long = "scenario", alias = "scenarios", value_name = "NAME|FILE", value_delimiter = ',', value_parser = words, hide_short_help = true)]
    scenarios: Vec<String>,
}

impl ScenarioArgs {
    /// The scenarios for a user's stack, this good update and a broken one with this health check
    /// among them.
    ///
    /// # Errors
    /// A name or a file that cannot be used, or a scenario that needs the built-in stack.
    pub(super) fn declarations(
        &self,
        update: Declaration,
        health_cmd: Option<&String>,
    ) -> Result<Vec<Declaration>> {
        let usual = [update, broken_update(health_cmd.cloned())];
        if self.scenarios.is_empty() {
            return Ok(usual.into());
        }
        let declared = chosen(&self.scenarios)?.into_iter().map(|declaration| {
            if let Some(own) = usual.iter().find(|own| own.name == declaration.name) {
                return Ok(own.clone());
            }
            match declaration.needs_own_stack() {
                None => Ok(declaration.for_any_stack()),
                Some(why) => Err(Error::usage(format!(
                    "the scenario {} makes no sense for every stack: {why}",
                    declaration.name
                ))
                .hint(format!("`rollproof try {}` runs it", declaration.name))),
            }
        });
        declared.collect()
    }
}

/// Whether it is the name of a file: it has a `/`, or ends in `.yml` or `.yaml`.
pub(super) fn is_file(name: &str) -> bool {
    let extension = Path::new(name).extension();
    name.contains('/') || extension.is_some_and(|end| end == "yml" || end == "yaml")
}

/// The scenarios of names and files, in their order.
pub(super) fn chosen(names: &[String]) -> Result<Vec<Declaration>> {
    let mut chosen: Vec<Declaration> = Vec::new();
    for name in names {
        if is_file(name) {
            chosen.extend(scenario::read(Path::new(name))?);
            continue;
        }
        if let Some(found) = scenario::find(name)? {
            chosen.push(found.clone());
            continue;
        }
        let error = Error::usage(format!("there is no scenario `{name}`"));
        let error = match scenario::similar(name).as_slice() {
            [] => error,
            similar => error.hint(format!("did you mean {}?", similar.join(", "))),
        };
        return Err(error
            .hint("`rollproof scenarios` lists them; a file of your own ends in .yml or .yaml"));
    }
    Ok(chosen)
}
