//! The application's binary, run as a process and asked over TCP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The application's binary, built once: for a test, cargo does not build binaries of other
/// packages.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "rollproof-app"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(built.success());
        Path::new(env!("CARGO_BIN_EXE_rollproof")).with_file_name("rollproof-app")
    })
}

/// A running application that is killed when the test ends.
pub struct App {
    pub child: Child,
    out: BufReader<ChildStdout>,
    pub address: String,
}

impl App {
    pub fn start(variables: &[(&str, &str)]) -> Self {
        Self::with_flags(&[], variables)
    }

    pub fn with_flags(flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(binary())
            .env_clear()
            .env("HOSTNAME", "c1")
            .envs(variables.iter().copied())
            .args(["serve", "--listen", "127.0.0.1", "--port", "0"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, out, address }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// One request over a new connection.
    pub fn ask(&self, method: &str, path: &str) -> Answer {
        self.ask_with(method, path, &[])
    }

    pub fn ask_with(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        Answer::read(self.connect(), method, path, headers).unwrap()
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    /// Sends SIGTERM and waits until the application has seen it.
    pub fn terminate(&mut self) {
        self.signal(Signal::SIGTERM);
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        assert!(line.starts_with("SIGTERM: "), "{line}");
    }

    /// The exit code. There is no time limit here: the application has its own.
    pub fn code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub fn health(&self, path: &str) -> (Option<i32>, String) {
        health(&format!("http://{}{path}", self.address))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn health(url: &str) -> (Option<i32>, String) {
    let output = Command::new(binary()).env_clear().args(["health", url]).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

pub fn send(stream: &mut TcpStream, head: &str) {
    stream.write_all(format!("{head} HTTP/1.1\r\nhost: app\r\n\r\n").as_bytes()).unwrap();
}

/// One response: its head in lower case, and its body unless the request was HEAD.
pub fn receive(stream: &mut TcpStream, with_body: bool) -> (String, String) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let mut body = vec![0; if with_body { length.unwrap().parse().unwrap() } else { 0 }];
    stream.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

/// Whether the server has closed the connection normally.
pub fn ended(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0]).unwrap() == 0
}

pub const GREETING: &str = "Hello, I'm a response from this container => c1";

/// A whole response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In lower case.
    pub head: String,
    pub body: String,
}

impl Answer {
    /// Asks, and reads to the end; none if the server closed the connection without an answer.
    pub fn read(mut stream: TcpStream, method: &str, path: &str, headers: &[&str]) -> Option<Self> {
        let mut lines = vec![
            format!("{method} {path} HTTP/1.1"),
            "host: app".into(),
            "connection: close".into(),
        ];
        lines.extend(headers.iter().map(|header| (*header).to_owned()));
        let request = lines.join("\r\n") + "\r\n\r\n";
        stream.write_all(request.as_bytes()).ok()?;
        let mut all = Vec::new();
        // A connection that is reset has no answer either.
        let _ = stream.read_to_end(&mut all);
        let all = String::from_utf8(all).unwrap();
        let (head, body) = all.split_once("\r\n\r\n")?;
        Some(Self {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_lowercase(),
            body: body.to_owned(),
        })
    }

    /// The status of an answer to a request that was sent, until the first byte after its head.
    pub fn status_of(stream: &mut TcpStream) -> Option<u16> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).ok()? == 0 {
                return None;
            }
            head.push(byte[0]);
        }
        String::from_utf8(head).ok()?.split(' ').nth(1)?.parse().ok()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Waits until `ready`, at most 20 seconds.
pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} within 20 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a check printed, and its exit code.
pub fn check(args: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let output = Command::new(binary())
        .env_clear()
        .envs(variables.iter().copied())
        .arg("check")
        .args(args)
        .output()
        .unwrap();
    let all = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(all).unwrap().trim_end().to_owned())
}
