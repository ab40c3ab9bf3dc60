//! The parts of a rule table.

/// What is allowed as a value.
#[derive(Debug)]
pub(super) enum Rule {
    /// One of these plain types.
    Plain(&'static [Type]),
    /// A duration in Go's syntax.
    Duration,
    /// A number or string that is a port specification.
    Port,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An integer that is not negative.
    Natural,
    /// A list.
    List { item: &'static Rule, unique: bool },
    /// A mapping.
    Map(&'static Shape),
    /// One of several rules, chosen by the type of the value.
    Either(&'static [Rule]),
    /// The last rule whose version is not newer than the file's.
    Since(&'static [(u8, Rule)]),
}

/// A plain type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    /// Any number.
    Number,
    /// A number without a fraction, such as `2` or `2.0`.
    Whole,
    Bool,
    Null,
}

/// What a mapping may contain.
#[derive(Debug)]
pub(super) struct Shape {
    /// Known keys, each with the first version that has it.
    pub(super) keys: &'static [(u8, &'static str, Rule)],
    /// A pattern of keys, for mappings whose keys the user chooses.
    pub(super) named: Option<(Names, &'static Rule)>,
    /// The first version that accepts keys that begin with `x-`.
    pub(super) extensions: Option<u8>,
    /// The first version that accepts any other key.
    pub(super) open: Option<u8>,
    /// Other keys that the decoder reads although the client's schema does not know them.
    pub(super) unchecked: &'static [&'static str],
    /// Required keys.
    pub(super) required: &'static [&'static str],
}

impl Shape {
    /// A mapping that is refused if it has an unknown key.
    pub(super) const CLOSED: Self = Self {
        keys: &[],
        named: None,
        extensions: None,
        open: None,
        unchecked: &[],
        required: &[],
    };
}

/// A pattern of keys.
#[derive(Debug, Clone, Copy)]
pub(super) enum Names {
    /// `[a-zA-Z0-9._-]+`
    Word,
    /// `[a-z]+`
    Lower,
    /// Anything but the empty string.
    Filled,
    /// Anything but the empty string, on one line.
    Line,
}

impl Names {
    /// Whether a key matches.
    pub(super) fn fits(self, key: &str) -> bool {
        match self {
            Self::Word => {
                !key.is_empty()
                    && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            }
            Self::Lower => !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase()),
            Self::Filled => key.chars().any(|c| c != '\n'),
            Self::Line => !key.is_empty() && !key.contains('\n'),
        }
    }
}

// Rules that many tables use.
pub(super) const TEXT: Rule = Rule::Plain(&[Type::Text]);
pub(super) const BOOL: Rule = Rule::Plain(&[Type::Bool]);
pub(super) const WHOLE: Rule = Rule::Plain(&[Type::Whole]);
pub(super) const NUMBER: Rule = Rule::Plain(&[Type::Number]);
/// A list of strings, which may repeat.
pub(super) const TEXTS: Rule = Rule::List { item: &TEXT, unique: false };
/// A list of distinct strings.
pub(super) const TEXT_SET: Rule = Rule::List { item: &TEXT, unique: true };
/// A string, or a list of strings, which may repeat.
pub(super) const COMMAND: Rule = Rule::Either(&[TEXT, TEXTS]);
/// A string, or a list of distinct strings.
pub(super) const TEXT_OR_SET: Rule = Rule::Either(&[TEXT, TEXT_SET]);
/// Environment variables, labels and so on: a mapping or a list of `key=value`.
pub(super) const PAIRS: Rule = Rule::Either(&[
    Rule::Map(&Shape {
        named: Some((Names::Filled, &Rule::Plain(&[Type::Text, Type::Number, Type::Null]))),
        ..Shape::CLOSED
    }),
    TEXT_SET,
]);
/// Options of a driver.
pub(super) const OPTIONS: Rule = Rule::Map(&Shape {
    named: Some((Names::Line, &Rule::Plain(&[Type::Text, Type::Number]))),
    open: Some(0),
    ..Shape::CLOSED
});
