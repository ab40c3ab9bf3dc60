//! Writes a stack as YAML, like `docker stack config`.

mod deploy;
mod service;
mod top;
mod tree;

use super::model::Config;
use tree::Tree;

/// The whole stack. Reading it again gives the same stack.
pub(crate) fn write(config: &Config) -> String {
    let tree: Tree = top::config(config);
    // Writing to memory fails only for types that the tree does not have.
    serde_yaml::to_string(&tree).unwrap_or_else(|error| format!("# {error}\n"))
}
