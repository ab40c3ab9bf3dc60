//! Stands between a client and an engine, and keeps what the client asks for.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Without the API's version, with the query.
    pub path: String,
    pub body: Value,
}

/// A socket that leads to an engine.
pub struct Wire {
    socket: PathBuf,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Wire {
    /// Opens `socket` for the engine at `host`, spelled as in `DOCKER_HOST`.
    pub fn to(host: &str, socket: &Path) -> Self {
        let engine = PathBuf::from(host.strip_prefix("unix://").unwrap());
        let listener = UnixListener::bind(socket).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let engine = UnixStream::connect(&engine).unwrap();
                let (mut from, mut to) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
                let kept = kept.clone();
                thread::spawn(move || forward(client, engine, &kept));
            }
        });
        Self { socket: socket.to_owned(), asked }
    }

    /// As `DOCKER_HOST` spells it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The requests that change something, in their order.
    pub fn changes(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|one| !matches!(one.method.as_str(), "GET" | "HEAD")).cloned().collect()
    }
}

impl Asked {
    /// Without what differs between two deployments of the same: ids and version indices.
    pub fn comparable(&self) -> (String, Value) {
        let words: Vec<&str> = self.path.split('/').collect();
        let path = match &words[..] {
            ["", kind, _, action] => {
                let (action, query) = action.split_once('?').unwrap_or((action, ""));
                let query = query.split('&').filter(|part| !part.starts_with("version="));
                let name = self.body["Name"].as_str().unwrap_or_default();
                format!("/{kind}/{name}/{action}?{}", query.collect::<Vec<_>>().join("&"))
            }
            ["", kind, _] if self.method == "DELETE" => format!("/{kind}/*"),
            _ => self.path.clone(),
        };
        let mut body = self.body.clone();
        let container = &mut body["TaskTemplate"]["ContainerSpec"];
        for (list, id) in [("Configs", "ConfigID"), ("Secrets", "SecretID")] {
            for one in container[list].as_array_mut().into_iter().flatten() {
                one[id].take();
            }
        }
        (format!("{} {path}", self.method), body)
    }
}

/// Hands a client's bytes on, and keeps each request when it is complete, before the engine gets it.
fn forward(mut client: UnixStream, mut engine: UnixStream, kept: &Mutex<Vec<Asked>>) {
    let mut bytes = Vec::new();
    let mut piece = [0; 16384];
    while let Ok(count) = client.read(&mut piece) {
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&piece[..count]);
        while let Some((asked, length)) = complete(&bytes) {
            kept.lock().unwrap().push(asked);
            bytes.drain(..length);
        }
        if engine.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    let _ = engine.shutdown(std::net::Shutdown::Both);
}

/// The first request, if it is whole, and its length.
fn complete(bytes: &[u8]) -> Option<(Asked, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]);
    let mut words = text.lines().next()?.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?);
    let header = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        lines.find(|line| line.0.eq_ignore_ascii_case(name)).map(|line| line.1.to_owned())
    };
    assert_ne!(header("Transfer-Encoding").as_deref(), Some("chunked"), "not expected: {text}");
    let length = header("Content-Length").map_or(0, |length| length.parse().unwrap());
    let body = bytes.get(head..head + length)?;
    let path = match path.strip_prefix("/v1.") {
        Some(rest) => rest.split_once('/').map_or("/".to_owned(), |rest| format!("/{}", rest.1)),
        None => path.to_owned(),
    };
    let body = serde_json::from_slice(body).unwrap_or_default();
    Some((Asked { method, path, body }, head + length))
}
