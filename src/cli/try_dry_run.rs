//! `rollproof try --dry-run`.

use serde_json::json;

use super::console::Console;
use super::dry_run::{Page, lasts, nothing_done};
use super::dry_run_step::Step;
use super::output::{put, put_line};
use super::try_scenarios::{PORT, STACK, stack};
use crate::Offset;
use crate::error::Result;
use crate::run::{Load, TargetWish, find_target, own_body};
use crate::scenario::Declaration;
use crate::site::LabUse;
use crate::wording::length;

/// What each scenario would do. Each has a stack of its own.
pub(super) async fn show(
    declarations: &[Declaration],
    load: &Load,
    console: &Console,
) -> Result<u8> {
    let engine = console.foresee_site(LabUse::ForOneRun).await?;
    let speed = engine.speed();
    let load = load.clone().at_speed(speed);
    let mut page = Page::default();
    let mut list = Vec::new();
    let (mut all, mut any_open) = (Offset::ZERO, false);
    page.entry("engine", &engine.to_string());
    page.entry("deploy", &format!("stack {STACK}, anew for each scenario"));
    for declaration in declarations {
        let files = stack(declaration, console, engine.kernel())?;
        let services = files.requests(STACK)?.unwrap_or_default().services;
        // The address is only foreseen: a scenario may publish more than one port.
        let wish = TargetWish {
            service: Some(declaration.service.clone()),
            port: Some(PORT),
            ..TargetWish::default()
        };
        let host = engine.published_host().unwrap_or("ENGINE");
        let body = own_body(&services, &find_target(&services, STACK, &wish, host)?)?;
        let changed = declaration.scenario(true, &body).changed(&body);
        let checks = engine.health_checks([body.image(), changed.image()]).await?;
        let (step, _) = Step::of(declaration, true, &body, &checks, None, speed);
        let (time, open) = lasts(std::slice::from_ref(&step), &load, false);
        all = all + time;
        any_open |= open;
        step.put(&mut page, time);
        list.push(step.json());
    }
    let about = if any_open { "at least" } else { "about" };
    let more = "and the time that deploying takes each time";
    page.entry("time", &format!("{about} {}, {more}", length(all)));
    if console.global.json {
        put_line(json!({
            "dry_run": true, "engine": engine.to_string(), "changes": list, "lasts_s": all,
            "lasts_longer": any_open,
        }))?;
    } else {
        put(&page.0)?;
    }
    nothing_done(console);
    Ok(0)
}
