//! A worker: does the tasks of a queue in Redis, says in two files and on request that it is well,
//! and finishes its task before it stops.

use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::backends::reason;
use crate::backends::redis::{Redis, Reply};
use crate::options::Work;
use crate::services::{DONE, QUEUE};
use crate::stop::Stop;
use crate::{faults, pidbox};

/// The pause before the broker is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// How long to wait for a task before looking at the signal to stop: whole seconds in old versions
/// of Redis. Ending the wait earlier could lose a task that is just being handed over.
const WAIT_FOR_TASK: &str = "1";

/// Works until SIGTERM or SIGINT, then finishes the open task. Exit code 0, or 1 if it was still
/// open after the stop timeout; faults have exit codes of their own.
///
/// # Errors
/// If the liveness file cannot be written.
pub async fn run(work: Work) -> Result<ExitCode, String> {
    let mut stop = Stop::watch(work.faults.ignore_stop)
        .map_err(|error| format!("cannot watch signals: {error}"))?;
    let faults = work.faults.clone();
    let work = Rc::new(work);
    let code = tokio::select! {
        code = until_stopped(&work, &mut stop) => code?,
        code = faults::crash(&faults) => code,
    };
    Ok(ExitCode::from(code))
}

async fn until_stopped(work: &Rc<Work>, stop: &mut Stop) -> Result<u8, String> {
    tokio::select! {
        () = sleep(work.faults.start_delay) => {}
        _ = stop.asked() => return Ok(work.faults.stop_exit_code),
    }
    touch(&work.liveness_file)?;
    println!("worker {} uses {}", work.name, work.broker);
    let local = tokio::task::LocalSet::new();
    let (stopping, asked_to_stop) = watch::channel(false);
    let code = local
        .run_until(async {
            let healthy = tokio::task::spawn_local(heartbeat(Rc::clone(work)));
            let consumer = tokio::task::spawn_local(consume(Rc::clone(work), asked_to_stop));
            let signal = stop.asked().await;
            println!("{signal}: finishing the open task");
            remove(&work.readiness_file);
            let _ = stopping.send(true);
            let finished = timeout(work.stop_timeout, consumer).await.is_ok();
            healthy.abort();
            if finished {
                println!("stopped");
                return work.faults.stop_exit_code;
            }
            let limit = humantime::format_duration(work.stop_timeout);
            eprintln!("rollproof-app: stopped after {limit} with a task still open");
            1
        })
        .await;
    remove(&work.liveness_file);
    Ok(code)
}

/// Touches the liveness file and answers pings, until a fault makes the worker unhealthy.
async fn heartbeat(work: Rc<Work>) {
    let beats = async {
        loop {
            sleep(work.beat).await;
            if let Err(why) = touch(&work.liveness_file) {
                eprintln!("rollproof-app: {why}");
            }
        }
    };
    let pings = async {
        loop {
            // The consumer tells when the broker cannot be reached.
            let _ = answer_pings(&work).await;
            sleep(RETRY).await;
        }
    };
    let sick = async {
        match work.faults.unhealthy_after {
            Some(after) => sleep(after).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = async { tokio::join!(beats, pings); } => {}
        () = sick => eprintln!("rollproof-app: unhealthy because of ROLLPROOF_UNHEALTHY_AFTER"),
    }
}

async fn answer_pings(work: &Work) -> Result<(), String> {
    let mut redis = Redis::connect(&work.broker).await?;
    redis.send(&["SUBSCRIBE", &pidbox::channel(&work.broker)]).await?;
    loop {
        let message = redis.next().await?;
        if let Some(question) = pidbox::question(&message, &work.name) {
            pidbox::answer(&work.broker, &question, &work.name).await?;
        }
    }
}

/// Takes tasks until it is asked to stop. The readiness file is there while it can.
async fn consume(work: Rc<Work>, stopping: watch::Receiver<bool>) {
    sleep(work.faults.ready_after).await;
    let mut last_why = String::new();
    while !*stopping.borrow() {
        let Err(why) = take_tasks(&work, &stopping).await else { return };
        remove(&work.readiness_file);
        if why != last_why {
            eprintln!("rollproof-app: {}: {why}", work.broker);
        }
        last_why = why;
        sleep(RETRY).await;
    }
}

async fn take_tasks(work: &Work, stopping: &watch::Receiver<bool>) -> Result<(), String> {
    let mut redis = Redis::connect(&work.broker).await?;
    redis.ask(&["PING"]).await?;
    println!("ready");
    touch(&work.readiness_file)?;
    while !*stopping.borrow() {
        let Reply::Array(task) = redis.ask(&["BRPOP", QUEUE, WAIT_FOR_TASK]).await? else {
            continue;
        };
        let Some(Reply::BulkString(text)) = task.get(1) else { continue };
        let text = String::from_utf8_lossy(text);
        match humantime::parse_duration(&text) {
            Ok(length) => sleep(length + work.faults.answer_delay).await,
            Err(_) => eprintln!("rollproof-app: {text}: a task is a duration such as 500ms"),
        }
        redis.ask(&["INCR", DONE]).await?;
    }
    Ok(())
}

fn touch(path: &Path) -> Result<(), String> {
    // Writing sets the time of change, also where it was set before.
    std::fs::write(path, "").map_err(|error| format!("{}: {}", path.display(), reason(&error)))
}

fn remove(path: &Path) {
    // It may not be there.
    let _ = std::fs::remove_file(path);
}
