//! Stack files: read, interpolated, checked, merged and converted to API bodies exactly as
//! `docker stack deploy` of Docker 28.2 does it.
//!
//! [`load`] reads; [`Stack::requests`] converts. Each step is a room or file of its own, in the
//! client's order: `read`, `yaml`, `forbidden`, `interpolate`, `schema`, `decode`, `merge`,
//! `convert`. Every value remembers its place, so that errors and warnings can show the line.

mod convert;
mod decode;
mod env_file;
mod fault;
mod forbidden;
mod golang;
mod image_check;
mod image_name;
mod interpolate;
mod load;
mod mark;
mod merge;
mod model;
mod network_body;
mod node;
mod published_port;
mod read;
mod requests;
mod schema;
mod service_body;
mod short_port;
mod short_volume;
mod source_env;
mod source_text;
mod sources;
mod stack_file;
mod warning;
mod yaml;
mod yaml_out;

pub use load::load;
pub use network_body::NetworkBody;
pub use published_port::PublishedPort;
pub use requests::Requests;
pub use service_body::ServiceBody;
pub use sources::Sources;
pub use stack_file::Stack;
pub use warning::Warning;
