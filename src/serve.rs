//! The runs of a folder in a browser: a list, the page of each run, and two runs side by side. All of
//! it is made from the records when it is asked for; nothing is written.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::header::HOST;
use hyper::{Request, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::compare::Comparison;
use crate::error::{Error, Result};
use crate::judge::{Judgement, Limits, judge};
use crate::record::{RecordReader, Run, RunEntry};
use crate::report::{HTML, Recorded, Style, find_compare, run_list};
use crate::web::{self, Answer};

/// The most pages that are made at a time: each reads a whole record into memory.
const AT_A_TIME: usize = 2;

/// Which runs are shown, and to whom.
#[derive(Debug)]
pub struct Shown {
    /// The folder that the runs are in.
    pub runs: PathBuf,
    /// Whether only requests for this machine are answered, by an address or as `localhost`. A page
    /// of somebody else whose name leads here could read the runs otherwise (DNS rebinding).
    pub local: bool,
}

/// Answers until it is dropped.
pub async fn serve(listener: TcpListener, shown: Shown) {
    let shown = Arc::new(shown);
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let answer = move |request: Request<hyper::body::Incoming>| {
        let (shown, turns) = (Arc::clone(&shown), Arc::clone(&turns));
        async move {
            if shown.local && !is_local(&request) {
                return web::text(StatusCode::FORBIDDEN, "ask for localhost or an address\n");
            }
            // It is never closed.
            let turn = turns.acquire_owned().await;
            let path = request.uri().path().to_owned();
            let made = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                shown.page(&path)
            });
            match made.await {
                Ok(Ok(page)) => page,
                // The cause names files of this machine.
                Ok(Err(error)) => {
                    web::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))
                }
                Err(_) => web::text(StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be made\n"),
            }
        }
    };
    web::serve(listener, answer).await;
}

/// Whether a request names this machine by an address or as `localhost`.
fn is_local<B>(request: &Request<B>) -> bool {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let Some(authority) = host.and_then(|host| host.parse::<hyper::http::uri::Authority>().ok())
    else {
        return false;
    };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

impl Shown {
    fn page(&self, path: &str) -> Result<Answer> {
        let html = |page: String| web::answer(StatusCode::OK, "text/html; charset=utf-8", page);
        let missing = || web::text(StatusCode::NOT_FOUND, "there is no such page\n");
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let mut all = RunEntry::all(&self.runs)?;
        // There is nothing to show of them.
        all.retain(|run| !run.damaged);
        // A name from outside is only looked up in the list: it never becomes part of a path.
        let find = |id: &str| all.iter().find(|run| run.id == id).map(|run| run.path.as_path());
        Ok(match parts[..] {
            [""] => html(run_list(&all)),
            ["runs.json"] => {
                let list = json!(all.iter().map(RunEntry::to_json).collect::<Vec<_>>());
                web::answer(StatusCode::OK, "application/json", list.to_string())
            }
            ["runs", id] => match find(id) {
                Some(run) => html(run_page(run)?),
                None => missing(),
            },
            ["compare", one, other] => match (find(one), find(other)) {
                (Some(one), Some(other)) => html(side_by_side(&[one, other])?),
                _ => missing(),
            },
            _ => missing(),
        })
    }
}

fn read(folder: &Path) -> Result<(Run, Judgement)> {
    let run = RecordReader::open(folder)?;
    let judgement = judge(&run, &Limits::default());
    Ok((run, judgement))
}

fn run_page(folder: &Path) -> Result<String> {
    let (run, judgement) = read(folder)?;
    Ok((HTML.write)(Recorded { run: &run, judgement: &judgement }))
}

fn side_by_side(folders: &[&Path]) -> Result<String> {
    let judgements = folders.iter().map(|folder| Ok(read(folder)?.1));
    let judgements = judgements.collect::<Result<Vec<_>>>()?;
    let format = find_compare("html")
        .ok_or_else(|| Error::environment("there is no page for several runs"))?;
    Ok((format.write)(&Comparison::of(&judgements), Style::default()))
}
