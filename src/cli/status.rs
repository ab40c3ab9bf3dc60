//! `rollproof status`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;

use super::args::GlobalArgs;
use super::console::Console;
use super::values::{duration, listen_address, stack_name, url};
use super::{interrupts, output};
use crate::error::{Error, Result};
use crate::site::LabUse;
use crate::status::{Answer, Target, Watch, WatchedStack};

/// Watch a stack's services or pages, and answer 200 `OK` or 500 `Fail` on one address
///
/// Every target is asked again and again; redirects are not followed. 200, 301 and 302 are good
/// answers. A service of a stack that publishes no port is well if its replicas run. An answer that
/// is older than two rounds counts as a failure. `/` is for a load balancer, `/status.json` says
/// more. Without a target the answer is `OK`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof status shop                               the services of a stack\n  \
    rollproof status web=http://10.0.0.5/ http://db-ui:8080/health\n  \
    rollproof status shop --once                        ask once; exit code 0 or 1")]
pub(super) struct StatusArgs {
    /// Pages, as URL or NAME=URL, or one stack
    #[arg(value_name = "STACK|URL|NAME=URL", value_parser = what)]
    what: Vec<What>,

    /// Address to answer on
    #[arg(long, value_name = "ADDRESS", value_parser = listen_address, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8099)), env = "ROLLPROOF_STATUS_LISTEN")]
    listen: SocketAddr,

    /// Time between two rounds
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = interval, env = "ROLLPROOF_STATUS_INTERVAL")]
    interval: Duration,

    /// Longest wait for one answer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = interval, env = "ROLLPROOF_STATUS_TIMEOUT")]
    timeout: Duration,

    /// Ask once, print the answers, and exit with 0 if all are good, else with 1
    #[arg(long)]
    once: bool,
}

#[derive(Debug, Clone)]
enum What {
    Page(Target),
    Stack(String),
}

fn what(text: &str) -> Result<What, String> {
    if !text.contains("://") {
        return stack_name(text).map(What::Stack);
    }
    let scheme = text.find("://").unwrap_or_default();
    let (name, address) = match text.split_once('=').filter(|(name, _)| name.len() < scheme) {
        Some((name, address)) => (name, address),
        None => (text, text),
    };
    Ok(What::Page(Target { name: name.to_owned(), url: url(address)? }))
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval.is_zero() { Err("must be longer than zero".to_owned()) } else { Ok(interval) }
}

pub(super) async fn run(args: StatusArgs, global: GlobalArgs) -> Result<u8> {
    let stacks: Vec<_> = args
        .what
        .iter()
        .filter_map(|what| match what {
            What::Stack(name) => Some(name.clone()),
            What::Page(_) => None,
        })
        .collect();
    let pages = args.what.iter().filter_map(|what| match what {
        What::Page(page) => Some(page.clone()),
        What::Stack(_) => None,
    });
    let mut watch = Watch {
        pages: pages.collect(),
        stack: None,
        interval: args.interval,
        timeout: args.timeout,
    };
    let (quiet, json, verbose) = (global.quiet, global.json, global.verbose);
    // Pages need neither an engine nor a state folder.
    let interrupt = match stacks.as_slice() {
        [] => interrupts::listen_quietly("stopped")?,
        [name] => {
            let console = Console::new(global, interrupts::listen()?)?;
            let site = console.open_site(LabUse::Running).await?;
            watch.stack = Some(WatchedStack {
                engine: site.manager.clone(),
                name: name.clone(),
                published_host: site.published_host.clone(),
            });
            console.interrupt.clone()
        }
        _ => {
            return Err(Error::usage("there is more than one stack")
                .hint("start another `rollproof status` for the other"));
        }
    };
    if args.once {
        return once(&watch, json).await;
    }
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        Error::environment(format!("cannot listen on {}", args.listen)).caused_by(error)
    })?;
    let address = listener.local_addr().unwrap_or(args.listen);
    output::put_line(format!("answering on http://{address}/"))?;
    let seen = Mutex::new(std::collections::BTreeMap::new());
    let tell = |name: &str, answer: &Answer| {
        let Ok(mut seen) = seen.lock() else { return };
        let changed = seen.insert(name.to_owned(), answer.clone()).as_ref() != Some(answer);
        if (changed && !quiet) || verbose {
            let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
            // A reader that has gone is no reason to stop answering.
            let _ = output::put_line(format!("{now}  {}  {name}  {answer}", word(answer)));
        }
    };
    tokio::select! {
        served = watch.serve(listener, &tell) => served.map(|()| 0),
        () = interrupt.cancelled() => Ok(0),
    }
}

async fn once(watch: &Watch, json: bool) -> Result<u8> {
    let board = watch.once().await?;
    if json {
        output::put_line(board.to_json())?;
    } else {
        for (name, answer) in board.answers() {
            output::put_line(format!("{}  {name}  {answer}", word(answer)))?;
        }
    }
    Ok(u8::from(!board.is_well()))
}

fn word(answer: &Answer) -> &'static str {
    if answer.is_good() { "OK  " } else { "Fail" }
}
