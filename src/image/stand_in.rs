//! Images that stand in for others: the application under another image's name, made to fit what a
//! stack file says of that image. They show what the stack's settings do, and nothing of the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path};

use serde_json::{Value, json};

use super::image_archive::{BuiltImage, Healthcheck};
use super::own_images::{IMAGE_LABEL, base, label_as, words};
use super::programs::Programs;
use crate::stack::ServiceBody;
use crate::swarm::{PortProtocol, RestartCondition};
use crate::{Error, Result};

/// The value of the label that says that an image is a stand-in.
const STAND_IN: &str = "stand-in";
/// Where the application is in the image.
const PROGRAM: &str = "/rollproof-app";
/// What the application reads (`app/src/stand_in.rs`).
const SAID: &str = "/etc/rollproof-stand-in.json";
/// Where it answers if the stack names no port of the image.
const USUAL_PORT: u16 = 80;
/// The names of shells: what they are given as a health check, the application knows.
const SHELLS: [&str; 6] = ["sh", "bash", "ash", "dash", "ksh", "zsh"];

/// What a stack says of an image, as far as a stand-in must know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandInImage {
    /// Its name and tag.
    pub name: String,
    /// The ports on which its containers answer, the one that is asked first.
    pub ports: Vec<u16>,
    /// The texts of health checks that a shell would run.
    checks: Vec<String>,
    /// The programs that entry points and health checks name.
    programs: BTreeSet<String>,
    /// The users and groups that its containers run as, by name.
    users: BTreeSet<String>,
    /// Whether a service leaves the test of its health check to the image.
    checks_itself: bool,
    /// Whether its containers are there to end.
    pub ends: bool,
}

/// Whether the labels of an image say that it is a stand-in.
#[must_use]
pub fn is_stand_in(labels: &Value) -> bool {
    labels[IMAGE_LABEL] == STAND_IN
}

impl StandInImage {
    /// What these services say of the image.
    #[must_use]
    pub fn of(name: &str, services: &[&ServiceBody]) -> Self {
        let mut image = Self {
            name: name.to_owned(),
            ports: Vec::new(),
            checks: Vec::new(),
            programs: BTreeSet::new(),
            users: BTreeSet::new(),
            checks_itself: false,
            ends: !services.is_empty(),
        };
        // The port that the stack publishes comes first, then the one that a proxy is told.
        for find in [published, routed, checked, said] {
            for port in services.iter().flat_map(|body| find(body)) {
                if !image.ports.contains(&port) {
                    image.ports.push(port);
                }
            }
        }
        let answers = !image.ports.is_empty();
        if !answers {
            image.ports.push(USUAL_PORT);
        }
        for body in services {
            image.add(body);
            let once = body.restart_policy().condition == RestartCondition::None && !answers;
            image.ends &= body.is_job() || once;
        }
        image
    }

    fn add(&mut self, body: &ServiceBody) {
        let container = container(body);
        let folder = container["Dir"].as_str().unwrap_or("/");
        let user = container["User"].as_str().unwrap_or_default();
        let named = user.split(':').filter(|name| !name.is_empty() && name.parse::<u32>().is_err());
        self.users.extend(named.filter(|name| is_plain(name)).map(str::to_owned));
        let words = test(body);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let program = match words[..] {
            ["CMD", shell, "-c", text, ..] if SHELLS.contains(&file_name(shell)) => {
                self.checks.push(text.to_owned());
                Some(shell)
            }
            ["CMD", program, ..] => Some(program),
            ["CMD-SHELL", text, ..] => {
                self.checks.push(text.to_owned());
                None
            }
            _ => None,
        };
        self.checks_itself |= words.is_empty() && body.healthcheck().is_some();
        let entry = container["Command"][0].as_str();
        self.programs
            .extend(program.into_iter().chain(entry).filter_map(|name| path(name, folder)));
    }

    /// Builds it from the application's static binary.
    ///
    /// # Errors
    /// When a program cannot be found or a file cannot be read.
    pub fn build(&self, programs: &Programs, app: &Path) -> Result<BuiltImage> {
        let mut image = base(&programs.find("busybox")?, None)?;
        let binary = fs::read(app).map_err(|cause| {
            Error::environment(format!("cannot read {}", app.display())).caused_by(cause)
        })?;
        let files = &mut image.files;
        files.add_file(PROGRAM, binary, 0o755)?;
        files.remove("/bin/sh")?;
        files.add_symlink("/bin/sh", PROGRAM)?;
        for program in &self.programs {
            // One that is a file of the image, or below one, is something else.
            let _ = files.add_symlink(program, PROGRAM);
        }
        if !self.users.is_empty() {
            let number = |index: usize| 1_000 + index;
            let users = self.users.iter().enumerate();
            let passwd = users.clone().map(|(index, name)| {
                format!("{name}:x:{0}:{0}:{name}:/tmp:/bin/sh\n", number(index))
            });
            let group = users.map(|(index, name)| format!("{name}:x:{}:\n", number(index)));
            let root = "root:x:0:0:root:/root:/bin/sh\n".to_owned();
            for (file, first, rest) in [
                ("/etc/passwd", root, passwd.collect::<String>()),
                ("/etc/group", "root:x:0:\n".to_owned(), group.collect::<String>()),
            ] {
                files.remove(file)?;
                files.add_file(file, first + &rest, 0o644)?;
            }
        }
        let said = json!({"ports": self.ports, "checks": self.checks, "ends": self.ends});
        files.add_file(SAID, said.to_string(), 0o644)?;
        image.config.entrypoint = words(&[PROGRAM]);
        if let (Some(first), false) = (self.ports.first(), self.ends) {
            image.config.exposed_ports.insert(format!("{first}/tcp"));
        }
        if self.checks_itself {
            let test = words(&["CMD", PROGRAM]);
            image.config.healthcheck = Some(Healthcheck { test, ..Healthcheck::default() });
        }
        let version = self.name.rsplit_once(':').map_or("", |(_, tag)| tag);
        image.config.env.insert("ROLLPROOF_VERSION".to_owned(), version.to_owned());
        label_as(&mut image, "rollproof-app", "Stands in for another image", STAND_IN);
        image.build(&self.name)
    }
}

fn container(body: &ServiceBody) -> &Value {
    &body.as_value()["TaskTemplate"]["ContainerSpec"]
}

fn test(body: &ServiceBody) -> Vec<String> {
    let test = body.healthcheck().and_then(|check| check["Test"].as_array());
    test.into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// The TCP ports of the container that a service publishes.
fn published(body: &ServiceBody) -> Vec<u16> {
    let ports = body.published_ports().into_iter();
    ports.filter(|port| port.protocol == PortProtocol::Tcp).map(|port| port.target).collect()
}

/// The ports that labels tell a proxy.
fn routed(body: &ServiceBody) -> Vec<u16> {
    body.routed_ports()
}

/// The ports of this container that a health check asks.
fn checked(body: &ServiceBody) -> Vec<u16> {
    const HERE: [&str; 3] = ["localhost:", "127.0.0.1:", "0.0.0.0:"];
    let texts = test(body);
    let after =
        texts.iter().flat_map(|text| HERE.iter().flat_map(move |host| text.split(host).skip(1)));
    after
        .filter_map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest[..end].parse().ok().filter(|port| *port > 0)
        })
        .collect()
}

/// The port that many programs take from their environment.
fn said(body: &ServiceBody) -> Vec<u16> {
    let variables = container(body)["Env"].as_array().into_iter().flatten();
    let ports = variables.filter_map(|pair| pair.as_str()?.strip_prefix("PORT=")?.parse().ok());
    ports.filter(|port| *port > 0).collect()
}

/// The absolute path of a program in the image; one without a folder is looked for in `PATH`.
fn path(program: &str, folder: &str) -> Option<String> {
    if !program.contains('/') {
        return is_plain(program).then(|| format!("/usr/local/bin/{program}"));
    }
    let mut found = String::new();
    for part in Path::new("/").join(folder).join(program).components() {
        match part {
            Component::Normal(part) => {
                found.push('/');
                found.push_str(part.to_str()?);
            }
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    // The engine puts its own folders there.
    let outside = ["/proc/", "/sys/", "/dev/", "/etc/"].iter().any(|top| found.starts_with(top));
    (!outside && !found.is_empty()).then_some(found)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A name without anything that has a meaning in a path or in `/etc/passwd`.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    !name.is_empty() && !name.starts_with('.') && name != "root" && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(value: Value) -> ServiceBody {
        ServiceBody::new(value)
    }

    fn of(value: Value) -> StandInImage {
        StandInImage::of("shop/api:2", &[&body(value)])
    }

    fn with_test(test: &Value) -> StandInImage {
        of(json!({"TaskTemplate": {"ContainerSpec": {"Healthcheck": {"Test": test}}}}))
    }

    #[test]
    fn it_answers_where_the_stack_says() {
        for (spec, ports) in [
            (json!({}), vec![80]),
            (
                json!({"EndpointSpec": {"Ports": [{"TargetPort": 3000, "PublishedPort": 80},
                    {"TargetPort": 53, "Protocol": "udp"}]},
                    "Labels": {"traefik.http.services.a.loadbalancer.server.port": "9000"}}),
                vec![3000, 9000],
            ),
            (json!({"Labels": {"traefik.port": "8080", "traefik.weight": "1"}}), vec![8080]),
            (json!({"Labels": {"caddy_1.reverse_proxy": "{{upstreams http 3001}}"}}), vec![3001]),
            (json!({"Labels": {"caddy.reverse_proxy": "{{upstreams}}"}}), vec![80]),
            (
                json!({"TaskTemplate": {"ContainerSpec": {"Env": ["DB_PORT=5432", "PORT=4000"]}}}),
                vec![4000],
            ),
        ] {
            assert_eq!(of(spec.clone()).ports, ports, "{spec}");
        }
        let test = json!(["CMD-SHELL", "curl -f http://localhost:3021/ || wget 127.0.0.1:3022"]);
        assert_eq!(with_test(&test).ports, [3021, 3022]);
        assert_eq!(with_test(&json!(["CMD", "curl", "http://db:5432/"])).ports, [80]);
    }

    #[test]
    fn what_the_stack_starts_is_there() {
        let programs = |spec: Value| Vec::from_iter(of(spec).programs);
        let entry = |command: Value, folder: &str| json!({"TaskTemplate": {"ContainerSpec": {"Command": command, "Dir": folder}}});
        assert_eq!(programs(entry(json!(["node", "x.js"]), "/app")), ["/usr/local/bin/node"]);
        assert_eq!(programs(entry(json!(["./run.sh"]), "/app")), ["/app/run.sh"]);
        assert_eq!(programs(entry(json!(["/docker-entry.sh"]), "")), ["/docker-entry.sh"]);
        for odd in ["../x", "/proc/self/exe", "/etc/x", "a b", ""] {
            assert!(programs(entry(json!([odd]), "")).is_empty(), "{odd}");
        }
        let check = with_test(&json!(["CMD", "/bin/bash", "-c", "test -f /ready"]));
        assert_eq!(check.checks, ["test -f /ready"]);
        assert!(check.programs.contains("/bin/bash"));
        assert_eq!(with_test(&json!(["CMD-SHELL", "exit 0"])).checks, ["exit 0"]);
        assert!(with_test(&json!([])).checks_itself && !of(json!({})).checks_itself);
        let user = |user: &str| {
            Vec::from_iter(of(json!({"TaskTemplate": {"ContainerSpec": {"User": user}}})).users)
        };
        assert_eq!(user("node:www-data"), ["node", "www-data"]);
        assert!(user("1000:0").is_empty() && user("root").is_empty() && user("a\nb").is_empty());
    }

    #[test]
    fn it_ends_where_everything_is_there_to_end() {
        let once = json!({"TaskTemplate": {"RestartPolicy": {"Condition": "none"}}});
        assert!(of(once.clone()).ends && of(json!({"Mode": {"ReplicatedJob": {}}})).ends);
        let mut asked = once.clone();
        asked["EndpointSpec"] = json!({"Ports": [{"TargetPort": 80}]});
        assert!(!of(asked).ends && !of(json!({})).ends);
        let both = [&body(once), &body(json!({}))];
        assert!(!StandInImage::of("a", &both).ends);
    }
}
