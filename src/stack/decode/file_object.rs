//! Secrets and configs of the stack.

use super::fields::Fields;
use super::network::external;
use super::{Decoder, extras, pairs};
use crate::stack::fault::Fault;
use crate::stack::model::FileObject;
use crate::stack::node::{Entry, Value};

impl Decoder<'_> {
    /// A secret or config (`kind`) of the stack.
    pub(super) fn file_object(&mut self, entry: &Entry, kind: &str) -> Result<FileObject, Fault> {
        let mut object = FileObject { file_mark: entry.mark, ..FileObject::default() };
        if !matches!(entry.node.value, Value::Null) {
            let fields = Fields::of(&entry.node)?;
            object.name = fields.text("name")?;
            object.file = fields.text("file")?;
            object.file_mark = fields.mark("file").unwrap_or(entry.mark);
            object.external = fields.map_to("external", external)?.unwrap_or_default();
            object.labels = fields.map_to("labels", pairs::texts)?.unwrap_or_default();
            object.driver = fields.text("driver")?;
            object.driver_opts = fields.map_to("driver_opts", pairs::options)?;
            object.template_driver = fields.text("template_driver")?;
            object.extras = extras(Some(fields.map()));
        }
        if object.external.external {
            self.external_name(kind, entry, &mut object.external, &mut object.name, 5)?;
        } else if object.driver.is_empty() {
            object.file = self.env.absolute(&object.file);
        } else if !object.file.is_empty() {
            return Err(Fault::at(
                object.file_mark,
                format!(
                    "{kind} {}: {kind}.driver and {kind}.file conflict; only use {kind}.driver",
                    entry.key
                ),
            ));
        }
        Ok(object)
    }
}
