//! Placement constraints: which nodes may run a service.

/// The two sides of a constraint without blanks around them, and whether they must be equal: `node.role`,
/// `true` and `manager` of `node.role == manager`. Absent for a text that is none (swarmkit
/// `manager/constraint/constraint.go`).
#[must_use]
pub fn constraint_sides(constraint: &str) -> Option<(&str, bool, &str)> {
    let (equal, (key, value)) = match constraint.split_once("==") {
        Some(parts) => (true, parts),
        None => (false, constraint.split_once("!=")?),
    };
    Some((key.trim(), equal, value.trim()))
}
