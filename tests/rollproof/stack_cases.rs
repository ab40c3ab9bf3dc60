//! Compares how rollproof reads stack files with the recorded answers of the docker client 28.2.2
//! (`tests/stack-cases.py`). Where rollproof differs on purpose, `tests/stack-cases/differences.txt`
//! names the case and `docs/stack-files.md` explains it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rollproof::stack::{Sources, Stack, load};
use rollproof::{ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};

/// One answer of the client.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    env: BTreeMap<String, String>,
    args: String,
    stdin: Option<String>,
    files: BTreeMap<String, Content>,
    accepted: bool,
    stderr: String,
    #[serde(default)]
    config: Option<String>,
    #[serde(flatten)]
    bodies: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Bytes { base64: String },
}

/// A case's files on disk.
struct Laid {
    folder: tempfile::TempDir,
    sources: Sources,
}

impl Case {
    fn lay(&self) -> Laid {
        let folder = tempfile::Builder::new().prefix("stack-cases-").tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let dir = root.to_str().unwrap().to_owned();
        std::fs::create_dir(root.join("home")).unwrap();
        for (name, content) in &self.files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let bytes = match content {
                Content::Text(text) => text.replace("@DIR@", &dir).into_bytes(),
                Content::Bytes { base64 } => STANDARD.decode(base64).unwrap(),
            };
            std::fs::write(path, bytes).unwrap();
        }
        let mut env: BTreeMap<String, String> = self
            .env
            .iter()
            .map(|(key, value)| (key.clone(), value.replace("@DIR@", &dir)))
            .collect();
        env.entry("HOME".to_owned()).or_insert_with(|| format!("{dir}/home"));
        let args = self.args.replace("@DIR@", &dir);
        let words: Vec<&str> = args.split_whitespace().collect();
        let files = words.chunks(2).map(|pair| pair[1].to_owned()).collect();
        let stdin = self.stdin.as_ref().map(|name| std::fs::read(root.join(name)).unwrap());
        let sources = Sources { files, env, home: None, cwd: root, stdin };
        Laid { folder, sources }
    }

    fn expected(&self, dir: &str) -> Value {
        let bodies = json!(
            ["networks", "secrets", "configs", "services"]
                .map(|kind| (kind, self.bodies.get(kind).cloned().unwrap_or_default()))
                .into_iter()
                .collect::<BTreeMap<_, _>>()
        );
        serde_json::from_str(&bodies.to_string().replace("@DIR@", dir)).unwrap()
    }
}

/// The bodies as they would be sent, with every id filled in.
fn bodies(stack: &Stack) -> Result<Value> {
    let mut requests = stack.requests("st")?;
    let (secrets, configs) = requests.referenced();
    let ids = |kind: &str, names: Vec<String>| {
        names.into_iter().map(|name| (name.clone(), format!("{kind}:{name}"))).collect()
    };
    requests.resolve_ids(&ids("secret", secrets), &ids("config", configs))?;
    let mut json = requests.to_json();
    for list in json.as_object_mut().unwrap().values_mut() {
        list.as_array_mut().unwrap().sort_by_key(|body| body["Name"].as_str().map(str::to_owned));
    }
    Ok(json)
}

/// The differences between rollproof and docker; `None` if there are none.
fn difference(case: &Case) -> Option<String> {
    let laid = case.lay();
    let dir = laid.sources.cwd.to_str().unwrap().to_owned();
    let result = load(&laid.sources).and_then(|stack| Ok((bodies(&stack)?, stack)));
    match (result, case.accepted) {
        (Ok(_), false) => Some(format!("accepted; docker: {}", case.stderr)),
        (Err(error), true) => Some(format!("refused: {error}")),
        (Err(error), false) => {
            if error.kind() == ErrorKind::Stack
                && error.place().is_none()
                && !is_about_a_file(&error.to_string())
            {
                return Some(format!("refused without a place: {error}"));
            }
            if std::env::var_os("STACK_CASES_ERRORS").is_some() {
                println!("{}\n   docker: {}\n   we:     {error}", case.name, case.stderr);
            }
            None
        }
        (Ok((found, stack)), true) => {
            let expected = case.expected(&dir);
            let mut text = String::new();
            compare("", &expected, &found, &mut text);
            same_yaml(case, &laid, &stack, &mut text);
            drop(laid.folder);
            (!text.is_empty()).then_some(text)
        }
    }
}

/// Whether an error is about a file as a whole and so has no line.
fn is_about_a_file(message: &str) -> bool {
    message.starts_with("open ")
        || message.starts_with("read ")
        || message.contains("not valid UTF-16")
}

/// Checks that what `to_yaml` prints reads back as the same stack as what `docker stack config`
/// prints.
fn same_yaml(case: &Case, laid: &Laid, stack: &Stack, text: &mut String) {
    let Some(config) = &case.config else { return };
    let yaml = stack.to_yaml();
    // Variables would be interpolated again, in docker's output too.
    if yaml.contains('$') {
        return;
    }
    let dir = laid.sources.cwd.to_str().unwrap();
    let again = |yaml: String| {
        let sources = Sources {
            files: vec!["-".into()],
            stdin: Some(yaml.into_bytes()),
            ..laid.sources.clone()
        };
        load(&sources).and_then(|stack| Ok((bodies(&stack)?, stack.to_yaml())))
    };
    // Docker cannot always read its own output, or reads it as another stack.
    let Ok(theirs) = again(config.replace("@DIR@", dir)) else { return };
    let mut lost = String::new();
    compare("", &case.expected(dir), &theirs.0, &mut lost);
    if !lost.is_empty() {
        return;
    }
    match again(yaml.clone()) {
        Ok(ours) => {
            compare("config", &theirs.0, &ours.0, text);
            if theirs.1 != ours.1 {
                let _ = writeln!(text, "config differs:\n{}\n--- docker:\n{}", ours.1, theirs.1);
            }
        }
        Err(error) => {
            let _ = writeln!(text, "cannot read what to_yaml wrote: {error}\n{yaml}");
        }
    }
}

/// Compares as JSON: the order of keys and the spelling of numbers do not matter.
fn compare(path: &str, expected: &Value, found: &Value, text: &mut String) {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => compare(&format!("{path}.{key}"), a, b, text),
                    (Some(a), None) => drop(writeln!(text, "{path}.{key} is missing: {a}")),
                    (None, b) => drop(writeln!(text, "{path}.{key} is not expected: {b:?}")),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{index}]"), a, b, text);
            }
        }
        (a, b) if a == b || (a.is_number() && a.as_f64() == b.as_f64()) => {}
        (a, b) => drop(writeln!(text, "{path}: expected {a}, found {b}")),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack-cases")
}

/// `STACK_CASES` names another file with answers, to try stack files from elsewhere.
fn cases() -> Vec<Case> {
    let path = std::env::var_os("STACK_CASES")
        .map_or_else(|| folder().join("answers.jsonl"), PathBuf::from);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn stacks_become_the_same_requests_as_with_docker() {
    let known = std::fs::read_to_string(folder().join("differences.txt")).unwrap();
    let known: Vec<&str> =
        known.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        match (difference(case), known.contains(&case.name.as_str())) {
            (Some(difference), false) => wrong.push(format!("{}\n{difference}", case.name)),
            (None, true) => wrong.push(format!("{}\nno longer differs", case.name)),
            _ => {}
        }
    }
    if std::env::var_os("STACK_CASES").is_none() {
        assert!(cases.len() >= 200, "only {} cases", cases.len());
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases differ:\n\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n\n")
    );
}
