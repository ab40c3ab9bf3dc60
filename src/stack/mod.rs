//! Stack files: read, interpolated, checked, merged and converted to API bodies exactly as
//! `docker stack deploy` of Docker 28.2 does it.
//!
//! [`load()`] reads; [`Stack::requests`] converts. Each step has its own folder or file, in the
//! order of the docker client: `read`, `yaml`, `forbidden`, `interpolate`, `schema`, `decode`,
//! `merge`, `convert`. Every value remembers its place, so that errors and warnings can show the
//! line. In comments, "the client" is the docker client of that release.

mod body_changes;
mod convert;
mod decode;
mod diagnostic;
mod edit;
mod fault;
mod forbidden;
mod golang;
mod image_name;
mod interpolate;
mod load;
mod merge;
mod model;
mod node;
mod node_needs;
mod paste;
mod proxy_polling;
mod read;
mod requests;
mod routes;
mod schema;
mod service_body;
mod service_option;
mod service_option_names;
mod settings;
mod short_forms;
mod spec_changes;
mod stack_file;
mod warning;
mod yaml;
mod yaml_out;

pub use body_changes::{ContentKind, Memory};
pub(crate) use diagnostic::{Mark, SourceText};
pub use edit::{Edited, edit};
pub(crate) use fault::Fault;
pub use image_name::image_fault;
pub use load::load;
pub(crate) use node::{Entry, Node, Value};
pub use paste::Paste;
pub use proxy_polling::ProxyPolling;
pub use read::Sources;
pub use requests::{NetworkBody, Requests};
pub use routes::ProxyRoute;
pub use service_body::{PublishedPort, ServiceBody};
pub use service_option::ServiceOption;
pub use service_option_names::SERVICE_OPTIONS;
pub use spec_changes::spec_changes;
pub use stack_file::Stack;
pub use warning::Warning;
/// Reads YAML with the place of every value: also other files that users write.
pub(crate) use yaml::parse as parse_yaml;

/// Reads a length of time as a stack file spells it: `1m30s`, `.5s`, `0`. Absent if docker refuses
/// it.
#[must_use]
pub fn duration(text: &str) -> Option<crate::Offset> {
    golang::parse_duration(text).map(crate::Offset::from_nanos)
}

/// A length of time as docker spells it: `1m30s`, `1.5s`, `0s`.
#[must_use]
pub fn show_duration(time: crate::Offset) -> String {
    golang::show_duration(time.as_nanos())
}

/// Docker's label for everything that belongs to a stack. Its value is the stack's name.
pub const STACK_LABEL: &str = "com.docker.stack.namespace";

/// Docker's label for a service's image as written in the stack file.
pub const STACK_IMAGE_LABEL: &str = "com.docker.stack.image";
