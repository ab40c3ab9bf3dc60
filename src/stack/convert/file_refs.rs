//! A service's references to secrets and configs. Their ids are known only at deploy time: they
//! stay empty here.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::name_or_scoped;
use crate::stack::fault::Fault;
use crate::stack::mark::Mark;
use crate::stack::model::{FileObject, FileRef, Service};

/// Which sort of object is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Secret,
    Config,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Config => "config",
        }
    }
}

/// References to secrets, sorted by name.
///
/// # Errors
/// An undefined secret, two with the same target.
pub(super) fn secrets(
    service: &Service,
    objects: &BTreeMap<String, FileObject>,
    namespace: &str,
) -> Result<Vec<Value>, Fault> {
    let refs = service.secrets.as_deref().unwrap_or_default();
    Ok(sorted(files(Kind::Secret, service, refs, objects, namespace)?))
}

/// References to configs, sorted by name; the last one may be a credential specification's.
///
/// # Errors
/// An undefined config, two with the same target.
pub(super) fn configs(
    service: &Service,
    objects: &BTreeMap<String, FileObject>,
    namespace: &str,
) -> Result<Vec<Value>, Fault> {
    let refs = service.configs.as_deref().unwrap_or_default();
    let mut list = files(Kind::Config, service, refs, objects, namespace)?;
    let source = &service.credential_spec.config;
    if !source.is_empty() {
        let mark = service.mark_of("credential_spec");
        let object = look_up(Kind::Config, service, source, mark, objects)?;
        let name = name_or_scoped(namespace, source, &object.name);
        let body = json!({"Runtime": {}, "ConfigID": "", "ConfigName": name});
        list.push((name, body));
    }
    Ok(sorted(list))
}

fn sorted(mut list: Vec<(String, Value)>) -> Vec<Value> {
    list.sort_by(|a, b| a.0.cmp(&b.0));
    list.into_iter().map(|(_, body)| body).collect()
}

fn files(
    kind: Kind,
    service: &Service,
    refs: &[FileRef],
    objects: &BTreeMap<String, FileObject>,
    namespace: &str,
) -> Result<Vec<(String, Value)>, Fault> {
    let mut targets = HashSet::new();
    let mut list = Vec::new();
    for file in refs {
        let object = look_up(kind, service, &file.source, file.mark, objects)?;
        let name = name_or_scoped(namespace, &file.source, &object.name);
        let target = if file.target.is_empty() { &file.source } else { &file.target };
        if !targets.insert(target) {
            return Err(Fault::at(
                file.mark,
                format!(
                    "service {}: duplicate {} target for {name} not allowed",
                    service.name,
                    kind.word()
                ),
            ));
        }
        let or_root = |id: &str| if id.is_empty() { "0".to_owned() } else { id.to_owned() };
        let place = json!({
            "Name": target,
            "UID": or_root(&file.uid),
            "GID": or_root(&file.gid),
            "Mode": file.mode.unwrap_or(0o444),
        });
        let body = match kind {
            Kind::Secret => json!({"File": place, "SecretID": "", "SecretName": name}),
            Kind::Config => json!({"File": place, "ConfigID": "", "ConfigName": name}),
        };
        list.push((name, body));
    }
    Ok(list)
}

fn look_up<'a>(
    kind: Kind,
    service: &Service,
    key: &str,
    mark: Mark,
    objects: &'a BTreeMap<String, FileObject>,
) -> Result<&'a FileObject, Fault> {
    let word = kind.word();
    objects.get(key).ok_or_else(|| {
        Fault::at(mark, format!("service {}: undefined {word} {key:?}", service.name))
            .hint(format!("declare it under the top-level `{word}s`"))
    })
}
