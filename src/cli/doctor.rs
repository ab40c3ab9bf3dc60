//! `rollproof doctor`.

use super::console::Console;
use super::output::{put, put_line};
use crate::doctor;
use crate::error::Result;

pub(super) async fn run(console: &Console) -> Result<u8> {
    let host = console.global.host.as_deref();
    let findings = doctor::examine(console.state.path(), host, &console.lab_engine()).await;
    if console.global.json {
        put_line(doctor::json(&findings))?;
    } else {
        put(&doctor::table(&findings))?;
    }
    Ok(if doctor::can_run(&findings) { 0 } else { 4 })
}
