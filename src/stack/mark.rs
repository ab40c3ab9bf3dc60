//! A place in one of the files that were read, small enough to stand on every node.

/// A place in one of the files that were read: [`SourceText`](super::source_text::SourceText)
/// turns it into a [`Place`](crate::Place).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// Which file, in the order of reading.
    pub(crate) file: u32,
    /// Line, counted from 1.
    pub(crate) line: u32,
    /// Column in characters, counted from 1.
    pub(crate) column: u32,
}
