//! Secrets and configs of the stack.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::body::Body;
use super::{labels, name_or_scoped};
use crate::stack::fault::Fault;
use crate::stack::model::{FileObject, Texts};

/// What the files of secrets and configs hold, by path, or why they could not be read.
pub(crate) type Contents = BTreeMap<String, Result<Vec<u8>, String>>;

/// The secrets to create or update, sorted by key.
///
/// # Errors
/// A file that could not be read.
pub(crate) fn secrets(
    secrets: &BTreeMap<String, FileObject>,
    contents: &Contents,
    namespace: &str,
) -> Result<Vec<Value>, Fault> {
    bodies(secrets, contents, namespace)
}

/// The configs to create or update, sorted by key.
///
/// # Errors
/// A file that could not be read.
pub(crate) fn configs(
    configs: &BTreeMap<String, FileObject>,
    contents: &Contents,
    namespace: &str,
) -> Result<Vec<Value>, Fault> {
    bodies(configs, contents, namespace)
}

fn bodies(
    objects: &BTreeMap<String, FileObject>,
    contents: &Contents,
    namespace: &str,
) -> Result<Vec<Value>, Fault> {
    objects
        .iter()
        .filter(|(_, object)| !object.external.external)
        .map(|(key, object)| body(key, object, contents, namespace))
        .collect()
}

fn body(
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
