//! Who takes what a run sees, while it goes on.

use super::{Event, RecordWriter, Shot, StackFacts, StreamFacts};
use crate::{Offset, Result};

/// Takes what a run sees, in one order: the record, the terminal, an event stream. Everything but
/// [`Sink::event`] may be left out.
pub trait Sink: Send {
    /// Something happened.
    ///
    /// # Errors
    /// If it cannot be taken; the run ends then.
    fn event(&mut self, event: &Event) -> Result<()>;

    /// What is known of the stack, or is known now.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn stack(&mut self, facts: &StackFacts) -> Result<()> {
        let _ = facts;
        Ok(())
    }

    /// More streams, behind those that are there already.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn streams(&mut self, facts: &[StreamFacts]) -> Result<()> {
        let _ = facts;
        Ok(())
    }

    /// A request of the stream with this index ended.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn shot(&mut self, stream: usize, shot: &Shot) -> Result<()> {
        let _ = (stream, shot);
        Ok(())
    }

    /// A line for people that is no part of the record.
    fn line(&mut self, text: &str) {
        let _ = text;
    }

    /// Time passes: about fifteen times a second.
    fn tick(&mut self, now: Offset) {
        let _ = now;
    }

    /// The run is over.
    ///
    /// # Errors
    /// If not everything could be kept.
    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Sink for RecordWriter {
    fn event(&mut self, event: &Event) -> Result<()> {
        Self::event(self, event)
    }

    fn stack(&mut self, facts: &StackFacts) -> Result<()> {
        self.set_stack(facts)
    }

    fn streams(&mut self, facts: &[StreamFacts]) -> Result<()> {
        self.add_streams(facts)
    }

    fn shot(&mut self, stream: usize, shot: &Shot) -> Result<()> {
        Self::shot(self, stream, shot)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Self::finish(*self)
    }
}
