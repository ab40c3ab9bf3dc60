//! How an image would be built; `docker stack deploy` ignores it.

use super::{MaybeTexts, Texts};

/// How an image would be built; `docker stack deploy` ignores it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Build {
    pub(crate) context: String,
    pub(crate) dockerfile: String,
    pub(crate) args: MaybeTexts,
    pub(crate) labels: Texts,
    pub(crate) cache_from: Vec<String>,
    pub(crate) extra_hosts: Vec<String>,
    pub(crate) network: String,
    pub(crate) target: String,
}
