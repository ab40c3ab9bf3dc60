//! The stack's own secrets and configs, and the references of its services to secrets and configs.
//! The ids in the references are known only when the stack is deployed, so they are empty here.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Body, labels, name_or_scoped};
use crate::stack::diagnostic::Mark;
use crate::stack::fault::{Fault, Faults};
use crate::stack::model::{FileObject, FileRef, Service, Texts};

/// The contents of the files of secrets and configs by path, or why they could not be read.
pub(crate) type Contents = BTreeMap<String, Result<Vec<u8>, String>>;

/// The secrets or configs to create or update, sorted by key.
///
/// # Errors
/// A file that could not be read.
pub(crate) fn file_objects(
    objects: &BTreeMap<String, FileObject>,
    contents: &Contents,
    namespace: &str,
) -> Result<Vec<Value>, Faults> {
    let mut faults = Faults::default();
    let own = objects.iter().filter(|(_, object)| !object.external.external);
    let bodies = own.map(|(key, object)| file_object(key, object, contents, namespace));
    let bodies = bodies.filter_map(|body| faults.take(body)).collect();
    faults.or(bodies)
}

fn file_object(
    key: &str,
    object: &FileObject,
    contents: &Contents,
    namespace: &str,
) -> Result<Value, Fault> {
    let mut body = Body::default()
        .set("Name", name_or_scoped(namespace, key, &object.name))
        .set("Labels", json!(labels(namespace, &object.labels)));
    if object.driver.is_empty() {
        let data = match contents.get(&object.file) {
            Some(Ok(data)) => data,
            Some(Err(message)) => return Err(Fault::at(object.file_mark, message)),
            None => {
                return Err(Fault::at(object.file_mark, format!("{} was not read", object.file)));
            }
        };
        body = body.text("Data", &STANDARD.encode(data));
    } else {
        let none = Texts::new();
        let options = object.driver_opts.as_ref().unwrap_or(&none);
        let driver = Body::default().text("Name", &object.driver).texts("Options", options);
        body = body.set("Driver", driver.finish());
    }
    if !object.template_driver.is_empty() {
        body = body.set("Templating", json!({"Name": object.template_driver}));
    }
    Ok(body.finish())
}

/// The kind of object that is referred to.
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
pub(super) fn secret_references(
    service: &Service,
    objects: &BTreeMap<String, FileObject>,
    namespace: &str,
) -> Result<Vec<Value>, Fault> {
    let refs = service.secrets.as_deref().unwrap_or_default();
    Ok(sorted(references(Kind::Secret, service, refs, objects, namespace)?))
}

/// References to configs, sorted by name, including the credential specification's.
///
/// # Errors
/// An undefined config, two with the same target.
pub(super) fn config_references(
    service: &Service,
    objects: &BTreeMap<String, FileObject>,
    namespace: &str,
) -> Result<Vec<Value>, Fault> {
    let refs = service.configs.as_deref().unwrap_or_default();
    let mut list = references(Kind::Config, service, refs, objects, namespace)?;
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

fn references(
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
