//! A network's request body.

use serde_json::Value;

/// A network to create: its name and the body of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkBody {
    /// The name, with the stack's prefix unless the file gives one.
    pub name: String,
    /// The body, with the API's own key names.
    pub body: Value,
}
