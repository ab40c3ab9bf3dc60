//! A row of the timeline: shapes in an SVG whose horizontal unit is a millisecond, and text and marks
//! above it, which are not stretched.

use super::window::Window;
use crate::Offset;

/// A row of the timeline.
#[derive(Default)]
pub(super) struct Row {
    /// What it is about.
    pub label: String,
    /// More about it, in small letters.
    pub note: String,
    pub class: &'static str,
    /// Its height in pixels.
    pub height: i64,
    /// What it shows, for those who do not see it.
    pub described: String,
    pub shapes: Vec<Shape>,
    pub texts: Vec<Text>,
    pub marks: Vec<Mark>,
    /// Labels of the vertical axis.
    pub scale: Vec<Scale>,
}

/// A path with a class that says what it is.
pub(super) struct Shape {
    pub class: String,
    pub path: String,
    /// Shown while the pointer is on it.
    pub title: String,
    /// The task that it belongs to, by its name in the page; empty if it belongs to none.
    pub task: String,
    /// Whether it is the first of its task, which has the name.
    pub first: bool,
}

/// A text at an instant.
pub(super) struct Text {
    pub at: i64,
    /// Where the room for it ends.
    pub until: i64,
    pub top: i64,
    pub words: String,
    pub class: &'static str,
}

/// Something that happened at an instant and can be looked at.
pub(super) struct Mark {
    pub at: i64,
    pub top: i64,
    pub class: &'static str,
    pub symbol: &'static str,
    pub text: String,
}

/// A label of the vertical axis.
pub(super) struct Scale {
    pub top: i64,
    pub text: String,
}

impl Shape {
    pub(super) fn new(class: impl Into<String>, path: String, title: impl Into<String>) -> Self {
        Self { class: class.into(), path, title: title.into(), task: String::new(), first: false }
    }
}

/// The path of a rectangle.
pub(super) fn rect(window: Window, from: Offset, to: Offset, top: i64, height: i64) -> String {
    let (from, to) = (window.x(from), window.x(to));
    format!("M{from} {top}H{to}V{}H{from}Z", top + height)
}
