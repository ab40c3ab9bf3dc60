//! Serving, and stopping without losing what was accepted.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::faults::{self, OnStop};
use crate::options::Serve;
use crate::pages::Pages;
use crate::stop::Stop;
use crate::workers::end_with_parent;

/// How long kept connections may still bring a request after the signal to stop. hyper closes an
/// idle connection without checking whether a request has just arrived, and that request is lost.
/// Most clients use a kept connection again within a second: that request is answered with
/// `connection: close`, and the client closes the connection.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// How often to check whether the last connection is closed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long to wait after a failed accept. It fails when there are no file descriptors left, and
/// fails again immediately unless a connection has had time to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Serves until SIGTERM or SIGINT, then finishes the open requests. Exit code 0, or 1 if requests
/// were still open after the stop timeout; faults have exit codes of their own.
///
/// # Errors
/// If it cannot listen on the port.
pub async fn run(serve: Serve) -> Result<ExitCode, String> {
    // Before anything else: process 1 of a container ignores signals that it does not handle.
    let mut stop = Stop::watch(serve.faults.ignore_stop)
        .map_err(|error| format!("cannot watch signals: {error}"))?;
    if serve.parent.is_some_and(|parent| !end_with_parent(parent)) {
        return Ok(ExitCode::SUCCESS);
    }
    let code = tokio::select! {
        biased;
        // First: a crash at start comes before it listens.
        code = faults::crash(&serve.faults) => serve.boot_failure(code),
        code = serve_until(&mut stop, &serve) => code?,
    };
    Ok(ExitCode::from(code))
}

async fn serve_until(stop: &mut Stop, serve: &Serve) -> Result<u8, String> {
    let pages = Pages::new(
        serve.identity.clone(),
        serve.faults.clone(),
        serve.services.clone(),
        serve.routes,
    );
    tokio::select! {
        () = sleep(serve.faults.start_delay) => {}
        _ = stop.asked() => return Ok(serve.faults.stop_exit_code),
    }
    let listener = serve
        .listener()
        .await
        .and_then(TcpListener::from_std)
        .map_err(|error| format!("cannot listen on {}: {error}", serve.address))?;
    let address = listener.local_addr().unwrap_or(serve.address);
    match serve.worker {
        None => println!("listening on {address}"),
        Some(number) => println!("worker {number} serves, process {}", std::process::id()),
    }
    let mut listeners = vec![listener];
    for address in &serve.also {
        let listener = TcpListener::bind(address).await;
        listeners.push(listener.map_err(|error| format!("cannot listen on {address}: {error}"))?);
        println!("listening on {address}");
    }
    let connections = GracefulShutdown::new();
    let signal = accept_until(&listeners, &connections, &pages, stop.asked()).await;
    match serve.faults.on_stop {
        OnStop::Drain => {
            println!("{signal}: finishing open requests");
            pages.stop();
            accept_waiting(listeners, &connections, &pages);
        }
        OnStop::Close => {
            println!("{signal}: closing the listener because of ROLLPROOF_ON_STOP");
            pages.stop();
            drop(listeners);
        }
        OnStop::Serve => {
            let time = humantime::format_duration(serve.stop_timeout);
            println!("{signal}: serving for another {time} because of ROLLPROOF_ON_STOP");
            accept_until(&listeners, &connections, &pages, sleep(serve.stop_timeout)).await;
            pages.stop();
            accept_waiting(listeners, &connections, &pages);
        }
        OnStop::Exit => {
            let held = pages.held();
            println!("{signal}: ending at once because of ROLLPROOF_ON_STOP");
            if held > 0 {
                println!("cutting {held} held connections");
            }
            return Ok(serve.faults.stop_exit_code);
        }
    }
    last_requests(&connections, serve.stop_timeout).await;
    let open = connections.count() + pages.held();
    let ended = async {
        connections.shutdown().await;
        pages.held_ended().await;
    };
    tokio::select! {
        () = ended => {
            println!("stopped");
            Ok(serve.faults.stop_exit_code)
        }
        () = sleep(serve.stop_timeout) => {
            eprintln!(
                "rollproof-app: stopped after {} with requests still open ({open} connections)",
                humantime::format_duration(serve.stop_timeout),
            );
            Ok(1)
        }
    }
}

/// Accepts connections until `end` is there.
async fn accept_until<T>(
    listeners: &[TcpListener],
    connections: &GracefulShutdown,
    pages: &Arc<Pages>,
    end: impl Future<Output = T>,
) -> T {
    let mut end = pin!(end);
    loop {
        tokio::select! {
            biased;
            ended = &mut end => return ended,
            accepted = accept(listeners) => match accepted {
                Ok((stream, _)) => open(stream, connections, pages),
                Err(error) => {
                    eprintln!("rollproof-app: cannot accept: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

/// The next connection of any of these listeners.
async fn accept(listeners: &[TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|context| {
        let mut polled = listeners.iter().map(|listener| listener.poll_accept(context));
        polled.find(Poll::is_ready).unwrap_or(Poll::Pending)
    })
    .await
}

/// Waits for the last requests on open connections.
async fn last_requests(connections: &GracefulShutdown, at_most: Duration) {
    let deadline = Instant::now() + LAST_REQUESTS.min(at_most);
    while connections.count() > 0 && Instant::now() < deadline {
        sleep(LOOK_EVERY).await;
    }
}

/// Accepts the connections that wait in the listeners' queues, then closes the listeners, which would
/// reset them.
fn accept_waiting(listeners: Vec<TcpListener>, connections: &GracefulShutdown, pages: &Arc<Pages>) {
    for listener in listeners.into_iter().filter_map(|listener| listener.into_std().ok()) {
        accept_all(&listener, connections, pages);
    }
}

fn accept_all(
    listener: &std::net::TcpListener,
    connections: &GracefulShutdown,
    pages: &Arc<Pages>,
) {
    loop {
        let accepted = listener.accept().and_then(|(stream, _)| {
            stream.set_nonblocking(true)?;
            TcpStream::from_std(stream)
        });
        match accepted {
            Ok(stream) => open(stream, connections, pages),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Why a request gets no response: the fault is switched on.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped because of ROLLPROOF_DROP_ON_STOP")
    }
}

impl std::error::Error for Dropped {}

fn open(stream: TcpStream, connections: &GracefulShutdown, pages: &Arc<Pages>) {
    // A failure only costs latency.
    let _ = stream.set_nodelay(true);
    let pages = Arc::clone(pages);
    let service = service_fn(move |request| {
        let pages = Arc::clone(&pages);
        async move {
            // An error makes hyper close the connection without a response.
            if pages.drops() { Err(Dropped) } else { Ok(pages.serve(request).await) }
        }
    });
    // No limit on idle time: the client (the proxy) has to close idle connections, or now and then
    // a request is sent on a closing connection.
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().header_read_timeout(None);
    let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let connection = connections.watch(connection.into_owned());
    tokio::spawn(async move {
        // A client that disconnects is not an error.
        let _ = connection.await;
    });
}
