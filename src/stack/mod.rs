//! Stack files: read, interpolated, checked, merged and converted to API bodies exactly as
//! `docker stack deploy` does it.

mod published_port;
mod service_body;

pub use published_port::PublishedPort;
pub use service_body::ServiceBody;
