//! Real servers, run from the images that the program packs: Redis and PostgreSQL, in a folder of
//! their own.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rollproof::image::{BuiltImage, POSTGRES, Programs, REDIS, server_image};
use tempfile::TempDir;

use super::harness::wait_until;

/// Packages that were downloaded once are used again by the next test run.
fn image(name: &str) -> BuiltImage {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
    server_image(&Programs::new(&kept), name).unwrap()
}

/// The files of an image, as a container sees them.
pub fn unpacked(name: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let built = image(name);
    let mut archive = tar::Archive::new(built.archive.as_ref());
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        if entry.path().unwrap().ends_with("layer.tar") {
            let mut layer = tar::Archive::new(entry);
            layer.set_preserve_permissions(true);
            layer.unpack(root.path()).unwrap();
        }
    }
    std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir(root.path().join("dev")).unwrap();
    root
}

/// A server that ends with the test.
pub struct Server {
    child: Child,
    root: Option<TempDir>,
    pub port: u16,
    log: PathBuf,
}

impl Server {
    /// Starts a program in an image's files, as the image's user.
    pub fn start(root: TempDir, command: &[&str], variables: &[(&str, &str)], port: u16) -> Self {
        let log = root.path().join("log");
        let file = std::fs::File::create(&log).unwrap();
        let enter =
            "mount --bind /dev \"$0/dev\" && cd / && exec chroot --userspec=999:999 \"$0\" \"$@\"";
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c", enter])
            .arg(root.path())
            .args(command)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { child, root: Some(root), port, log }
    }

    pub fn redis(flags: &[&str]) -> Self {
        Self::redis_in(unpacked(REDIS), flags)
    }

    fn redis_in(root: TempDir, flags: &[&str]) -> Self {
        let port = free_port();
        let text = port.to_string();
        let mut command = vec!["redis-server", "--bind", "127.0.0.1", "--port", &text];
        command.extend(["--dir", "/data"]);
        command.extend(flags);
        Self::start(root, &command, &[], port)
    }

    /// A Redis that is up.
    pub fn ready_redis(flags: &[&str]) -> Self {
        let server = Self::redis(flags);
        wait_until("Redis answers", || server.said("PING").is_some());
        server
    }

    /// A Redis that loads its data, and will for minutes.
    pub fn loading_redis() -> Self {
        let mut first =
            Self::ready_redis(&["--enable-debug-command", "yes", "--rdbcompression", "no"]);
        assert_eq!(first.said("DEBUG POPULATE 3000 key 4000").as_deref(), Some("+OK"));
        assert_eq!(first.said("SAVE").as_deref(), Some("+OK"));
        let root = first.stop(Signal::SIGKILL);
        // A tenth of a second for each key, with an ear for questions in between.
        let slow =
            ["--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024"];
        let server = Self::redis_in(root, &slow);
        wait_until("Redis loads", || {
            server.said("PING").is_some_and(|it| it.starts_with("-LOADING"))
        });
        server
    }

    /// The first line of the reply to a command.
    fn said(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut bytes = [0; 256];
        let read = stream.read(&mut bytes).ok().filter(|read| *read > 0)?;
        let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
        text.lines().next().map(str::to_owned)
    }

    pub fn postgres() -> Self {
        Self::postgres_in(unpacked(POSTGRES), &[])
    }

    fn postgres_in(root: TempDir, flags: &[&str]) -> Self {
        let port = free_port();
        let text = port.to_string();
        let mut command = vec!["/usr/bin/postgres-start", "-p", &text, "-c", "fsync=off"];
        command.extend(flags);
        let variables = [
            ("PGDATA", "/var/lib/postgresql/data"),
            ("POSTGRES_USER", "app"),
            ("POSTGRES_PASSWORD", "p@ss"),
        ];
        Self::start(root, &command, &variables, port)
    }

    /// A PostgreSQL that is up.
    pub fn ready_postgres() -> Self {
        let server = Self::postgres();
        wait_until("PostgreSQL is ready", || {
            let log = server.log();
            assert!(!log.contains("FATAL"), "{log}");
            log.contains("database system is ready to accept connections") && server.listens()
        });
        server
    }

    /// A PostgreSQL that never finishes starting: it waits as a standby for a primary.
    pub fn starting_postgres() -> Self {
        let mut first = Self::ready_postgres();
        let root = first.stop(Signal::SIGINT);
        std::fs::write(root.path().join("var/lib/postgresql/data/standby.signal"), "").unwrap();
        let server = Self::postgres_in(root, &["-c", "hot_standby=off"]);
        wait_until("PostgreSQL listens", || server.listens());
        server
    }

    fn listens(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Ends the server and gives its files back.
    fn stop(&mut self, signal: Signal) -> TempDir {
        self.signal(signal);
        self.child.wait().unwrap();
        self.root.take().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
