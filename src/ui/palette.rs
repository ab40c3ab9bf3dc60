//! The few styles in use. No meaning is carried by colour alone: the word is always there.

use anstyle::{AnsiColor, Style};

/// What is as it should be.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What is on its way.
pub(super) const BUSY: Style = AnsiColor::Yellow.on_default();
/// What went wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default();
/// What is over, or of less interest.
pub(super) const PAST: Style = Style::new().dimmed();
/// Headings.
pub(super) const HEAD: Style = Style::new().bold();
/// Line numbers, arrows and labels around an error.
pub(super) const FRAME: Style = AnsiColor::Blue.on_default();
/// Advice.
pub(super) const NOTE: Style = AnsiColor::Cyan.on_default();

/// Puts styles on text where colour is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    /// Whether it is.
    pub colour: bool,
}

impl Palette {
    /// The text in that style.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
