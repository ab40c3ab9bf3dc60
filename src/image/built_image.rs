//! An image ready to be loaded.

use bytes::Bytes;

/// An image ready for an engine's load endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// Its name and tag, such as `rollproof/app:v1`.
    pub reference: String,
    /// The id every engine will give it: `sha256:` and 64 hex digits.
    pub id: String,
    /// The archive, in the format of `docker save`.
    pub archive: Bytes,
}
