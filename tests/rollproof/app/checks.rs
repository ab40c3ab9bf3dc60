//! `check` against servers that are up, starting, refusing, hanging and absent.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::harness::{App, binary, check, wait_until};
use super::servers::{Server, free_port};

/// A server that does what the path says: `/204` answers with that status, `/302/404` redirects to
/// `/404`, `/loop` to itself, `/close` closes, and `/hang` says nothing.
fn pages() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().and_then(Result::ok).unwrap_or_default();
            while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
            answer(&request, stream, &mut kept);
        }
    });
    address
}

fn answer(request: &str, mut stream: TcpStream, kept: &mut Vec<TcpStream>) {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, location) = match path {
        "/hang" => return kept.push(stream),
        "/close" => return,
        "/loop" => ("301", "location: /loop\r\n".to_owned()),
        "/_healthz/livez/" => ("200", String::new()),
        _ => {
            let (status, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
            let to = format!("location: /{rest}\r\n");
            (status, if rest.is_empty() { String::new() } else { to })
        }
    };
    let head = format!("HTTP/1.1 {status} X\r\n{location}content-length: 0\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
}

#[test]
fn a_page_is_up_below_400_after_redirects() {
    let server = pages();
    let gone = format!("127.0.0.1:{}", free_port());
    for (endpoint, code, line) in [
        (format!("http://{server}/200"), 0, "UP, response status code: 200"),
        (format!("{server}/204"), 0, "UP, response status code: 204"),
        (server.clone(), 0, "UP, response status code: 200"),
        (format!("{server}/302/200"), 0, "UP, response status code: 200"),
        (format!("{server}/302/404"), 1, "DOWN, response status code: 404"),
        (format!("{server}/304"), 0, "UP, response status code: 304"),
        (format!("{server}/401"), 1, "DOWN, response status code: 401"),
        (format!("{server}/503"), 1, "DOWN, response status code: 503"),
        (format!("{server}/loop"), 1, "DOWN (TooManyRedirects)"),
        (format!("{server}/close"), 1, "DOWN (ConnectionError)"),
        (format!("{server}/hang"), 1, "DOWN (ReadTimeout)"),
        (gone, 1, "DOWN (ConnectionError)"),
        ("localhost:WRONG-PORT".to_owned(), 1, "DOWN (InvalidURL)"),
        ("https://localhost/".to_owned(), 1, "DOWN (InvalidSchema)"),
    ] {
        let found = check(&["http", "--endpoint", &endpoint, "--timeout", "1"], &[]);
        assert_eq!(found, (code, line.to_owned()), "{endpoint}");
    }
    assert_eq!(check(&["http", "--timeout", "soon"], &[]).0, 2);
}

#[test]
fn the_guides_probe_wants_exactly_200_and_takes_variables() {
    let server = pages();
    let port = server.rsplit_once(':').unwrap().1.to_owned();
    let probe = |path, variables: &[(&str, &str)]| {
        let mut all = vec![("HEALTHCHECK_PORT", port.as_str()), ("HEALTHCHECK_PATH", path)];
        all.extend(variables);
        check(&["http"], &all)
    };
    for (path, code) in [("/200", 0), ("/204", 1), ("/302/200", 1), ("/404", 1), ("/503", 1)] {
        let status = &path[1..4];
        assert_eq!(probe(path, &[]), (code, format!("Health check status: {status}")), "{path}");
    }
    let (code, line) = probe("/close", &[]);
    assert_eq!((code, line.starts_with("Health check failed: ")), (1, true), "{line}");
    let (code, line) = check(&["http"], &[("HEALTHCHECK_PORT", "five")]);
    assert_eq!(code, 1);
    assert_eq!(line, "Health check failed: HEALTHCHECK_PORT=five: expected a port number");
    let url = format!("http://{server}/204");
    assert_eq!(check(&["http", "--exact", &url], &[]).0, 1);
    // The guide's app, asked as its probe asks.
    let app = App::start(&[]);
    let port = app.address.rsplit_once(':').unwrap().1;
    let variables = [("HEALTHCHECK_HOST", "localhost"), ("HEALTHCHECK_PORT", port)];
    assert_eq!(check(&["http"], &variables), (0, "Health check status: 200".into()));
}

#[test]
fn a_port_accepts_or_not() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert_eq!(check(&["tcp", &address], &[]), (0, format!("{address} accepts connections")));
    drop(listener);
    assert_eq!(check(&["tcp", &address], &[]), (1, format!("{address}: connection refused")));
    let (code, line) = check(&["tcp", "rollproof-no-such.invalid:80"], &[]);
    assert_eq!((code, line.contains("host not found")), (1, true), "{line}");
    // A full queue: the kernel answers no further connection.
    let full = listener_with_full_queue();
    let (code, line) = check(&["tcp", &full.1, "--timeout", "200ms"], &[]);
    assert_eq!((code, line.ends_with("no response within 200ms")), (1, true), "{line}");
    for wrong in [&["tcp"][..], &["tcp", "80"], &["tcp", ":80"], &["tcp", "a:b"]] {
        assert_eq!(check(wrong, &[]).0, 2, "{wrong:?}");
    }
}

/// A listener whose queue holds one connection, with so many that the next gets no answer.
fn listener_with_full_queue() -> ((std::os::fd::OwnedFd, Vec<TcpStream>), String) {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let port = free_port();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    bind(&listener, &address).unwrap();
    listen(&listener, 0).unwrap();
    let mut open = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        open.push(stream);
    }
    ((listener, open), address.to_string())
}

#[test]
fn a_file_exists_and_is_young_enough() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live");
    let text = path.to_str().unwrap();
    let missing = format!("File '{text}' does not exist or is not a file.");
    assert_eq!(check(&["file", text], &[]), (1, missing.clone()));
    assert_eq!(check(&["beat", "--file", text], &[]), (1, missing));
    let folder_is_none = check(&["file", folder.path().to_str().unwrap()], &[]);
    assert_eq!(folder_is_none.0, 1);

    let file = std::fs::File::create(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(90)).unwrap();
    assert_eq!(check(&["file", text], &[]), (0, format!("File '{text}' was changed 1.5m ago.")));
    let old = format!("File '{text}' is older than max-age.");
    assert_eq!(check(&["file", text, "--max-age", "70"], &[]), (1, old.clone()));
    assert_eq!(check(&["file", text, "--max-age", "2m"], &[]).0, 0);
    assert_eq!(check(&["file", text, "--max-age", "-1"], &[]), (1, old));
    let beat = check(&["beat", "--file", text], &[]);
    assert_eq!(beat, (0, "Last scheduled task: 1.5m ago.".into()));
    assert_eq!(check(&["file"], &[]).0, 2);
}

#[test]
fn a_program_decides_within_its_time() {
    let sh = |script: &str| check(&["cmd", "--timeout", "5", "--", "sh", "-c", script], &[]);
    assert_eq!(sh("echo fine"), (0, "sh succeeded: fine".into()));
    assert_eq!(sh("echo out; echo why >&2; exit 3"), (3, "sh ended with exit code 3: why".into()));
    assert_eq!(sh("kill -9 $$"), (137, "sh was ended by signal 9".into()));
    let (code, line) = check(&["cmd", "rollproof-no-such"], &[]);
    assert_eq!((code, line.starts_with("rollproof-no-such: ")), (127, true), "{line}");
    assert_eq!(check(&["cmd", "/"], &[]).0, 126);
    assert_eq!(check(&["cmd"], &[]).0, 2);

    // The time limit also ends what the program has started.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
    let begun = Instant::now();
    let found = check(&["cmd", "--timeout", "1", "--", "sh", "-c", &script], &[]);
    assert_eq!(found, (124, "sh did not end within 1s".into()));
    assert!(begun.elapsed() < Duration::from_secs(100));
    let sleeper: i32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    wait_until("the child's child is gone", || kill(Pid::from_raw(sleeper), None).is_err());
}

#[test]
fn redis_answers_loads_wants_a_password_hangs_or_is_not_there() {
    let server = Server::ready_redis(&["--requirepass", "p@ss"]);
    let place = format!("127.0.0.1:{}", server.port);
    let url = |login: &str| format!("redis://{login}{place}/2");
    assert_eq!(check(&["redis", &url(":p%40ss@")], &[]), (0, format!("{place}: PONG")));
    assert_eq!(
        check(&["redis", &url("")], &[]),
        (1, format!("{place}: NOAUTH Authentication required."))
    );
    let (code, line) = check(&["redis", &url(":wrong@")], &[]);
    assert_eq!((code, line.contains("WRONGPASS")), (1, true), "{line}");
    assert!(!line.contains("wrong@"), "{line}");
    server.signal(Signal::SIGSTOP);
    assert_eq!(
        check(&["redis", &url(":p%40ss@"), "--timeout", "300ms"], &[]),
        (1, format!("{place}: no response within 300ms"))
    );

    let loading = Server::loading_redis();
    let place = format!("127.0.0.1:{}", loading.port);
    let (code, line) = check(&["redis", &place], &[]);
    assert_eq!(code, 1, "{line}");
    assert!(line.starts_with(&format!("{place}: LOADING ")), "{line}");

    let gone = format!("127.0.0.1:{}", free_port());
    assert_eq!(check(&["redis", &gone], &[]), (1, format!("{gone}: connection refused")));
    assert_eq!(check(&["redis", "http://x"], &[]).0, 2);
    // A server of another kind.
    let other = App::start(&[]);
    let (code, line) = check(&["redis", &other.address], &[]);
    assert_eq!((code, line.ends_with("the answer is not that of a Redis")), (1, true), "{line}");
}

#[test]
fn postgres_accepts_starts_hangs_or_is_not_there() {
    let server = Server::ready_postgres();
    let place = format!("127.0.0.1:{}", server.port);
    let accepting = (0, format!("{place} - accepting connections"));
    assert_eq!(check(&["postgres", &place], &[]), accepting);
    let wrong_login = format!("postgres://nobody:wrong@{place}/nothing");
    assert_eq!(check(&["postgres", &wrong_login], &[]), accepting, "as pg_isready");
    let port = server.port.to_string();
    assert_eq!(check(&["postgres", "--host", "127.0.0.1", "-p", &port], &[]), accepting);
    assert_eq!(check(&["postgres"], &[("PGHOST", "127.0.0.1"), ("PGPORT", &port)]), accepting);

    // The web tier sees the same server with its own login, and that of a stranger.
    let deep = |login: &str| {
        let app =
            App::start(&[("ROLLPROOF_DATABASE_URL", &format!("postgres://{login}@{place}/app"))]);
        let health = app.ask("GET", "/health");
        (health.status, health.body, app.ask("GET", "/_healthz/readyz/?format=text").body)
    };
    let (status, body, ready) = deep("app:p%40ss");
    assert_eq!((status, body.as_str()), (200, r#"{"db_connection":"ok","status":"ok"}"#));
    assert_eq!(ready, "Database(alias='default'): OK\n");
    let (status, _, ready) = deep("app:wrong");
    assert_eq!(status, 503);
    assert!(ready.contains("password authentication failed"), "{ready}");

    server.signal(Signal::SIGSTOP);
    assert_eq!(
        check(&["postgres", &place, "-t", "300ms"], &[]),
        (2, format!("{place} - no response (no response within 300ms)"))
    );
    server.signal(Signal::SIGCONT);
    drop(server);

    let starting = Server::starting_postgres();
    let place = format!("127.0.0.1:{}", starting.port);
    let found = check(&["postgres", &place], &[]);
    assert_eq!(found, (1, format!("{place} - rejecting connections")), "{}", starting.log());

    let gone = format!("127.0.0.1:{}", free_port());
    let refused = (2, format!("{gone} - no response (connection refused)"));
    assert_eq!(check(&["postgres", &gone], &[]), refused);
    assert_eq!(check(&["postgres", "a:b"], &[]), (3, "a:b - no attempt".into()));
    assert_eq!(check(&["postgres", "--colour"], &[]).0, 3);
}

/// A worker that ends with the test.
struct Worker(Child);

impl Worker {
    fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary());
        command.env_clear().envs(variables.iter().copied()).arg("worker").args(args);
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_worker_lives_answers_and_is_ready_and_finishes_its_task() {
    let redis = Server::ready_redis(&[]);
    let broker = format!("redis://127.0.0.1:{}/3", redis.port);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (alive, ready) = (file("live"), file("ready"));
    let common = ["--broker", &broker, "--liveness-file", &alive, "--readiness-file", &ready];
    let ask = |more: &[&str]| {
        let mut args = vec!["worker", "--no-skip-readiness", "--worker-name", "w@x"];
        args.extend(common);
        args.extend(more);
        check(&args, &[])
    };
    assert_eq!(ask(&[]), (1, format!("File '{alive}' does not exist or is not a file.")));

    let mut args = vec!["--name", "w@x", "--beat", "200ms"];
    args.extend(common);
    let mut worker = Worker::start(&args, &[]);
    wait_until("it is ready", || ask(&[]).0 == 0);
    assert_eq!(
        ask(&[]).1,
        "The event loop appears to be running. w@x: PONG. \
         The worker appears ready to process tasks."
    );
    assert_eq!(
        ask(&["--worker-name", "other@x", "--ping-timeout", "1"]),
        (2, "No reply to ping from 'other@x' after 1s.".into())
    );
    assert_eq!(ask(&["--max-age", "-1"]), (1, format!("File '{alive}' is older than max-age.")));
    let gone = format!("redis://127.0.0.1:{}", free_port());
    let (code, line) = ask(&["--broker", &gone]);
    assert_eq!((code, line.contains("connection refused")), (2, true), "{line}");

    // A task for it, from the web tier; it is finished after the signal, and counted.
    let web = App::start(&[("ROLLPROOF_CACHE_URL", &broker)]);
    assert_eq!(web.ask("POST", "/tasks?delay=1s").status, 202);
    wait_until("it takes the task", || web.ask("GET", "/tasks").body.contains("\"queued\":0"));
    worker.signal(Signal::SIGTERM);
    wait_until("it is not ready", || !folder.path().join("ready").exists());
    assert_eq!(ask(&[]), (4, format!("File '{ready}' does not exist - worker is not ready.")));
    assert_eq!(worker.0.wait().unwrap().code(), Some(0));
    assert_eq!(web.ask("GET", "/tasks").body, r#"{"done":1,"queued":0}"#);
    assert_eq!(ask(&[]).0, 1, "the liveness file is removed at the end");
    assert_eq!(
        web.ask("GET", "/_healthz/readyz/?format=text").body,
        "Cache(alias='default'): OK\n"
    );
}

#[test]
fn a_worker_whose_event_loop_stands_still_is_found_out() {
    let redis = Server::ready_redis(&[]);
    let broker = format!("redis://127.0.0.1:{}", redis.port);
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live").to_str().unwrap().to_owned();
    let ready = folder.path().join("ready").to_str().unwrap().to_owned();
    let files = ["--liveness-file", &live, "--readiness-file", &ready, "--broker", &broker];
    let mut args = vec!["--name", "w@x", "--beat", "100ms"];
    args.extend(files);
    let worker = Worker::start(&args, &[]);
    let ask = || {
        let mut args = vec!["worker", "--worker-name", "w@x", "--max-age", "1"];
        args.extend(["--ping-timeout", "300ms"]);
        args.extend(files);
        check(&args, &[]).0
    };
    wait_until("it answers", || ask() == 0);
    worker.signal(Signal::SIGSTOP);
    wait_until("it does not reply", || ask() == 2);
    wait_until("its file is too old", || ask() == 1);
}
