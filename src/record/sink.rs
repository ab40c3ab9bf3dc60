//! Where a run sends what it observes while it is going on.

use super::{Event, Meta, RecordWriter, Shot, StackFacts, StreamFacts};
use crate::{Offset, Result};

/// Receives what a run observes, in order: the record, the terminal, an event stream. Only
/// [`Sink::event`] is required.
pub trait Sink: Send {
    /// The run begins: what is known before anything happens. Later facts replace these.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn begin(&mut self, meta: &Meta) -> Result<()> {
        let _ = meta;
        Ok(())
    }

    /// Something happened.
    ///
    /// # Errors
    /// If it cannot be processed. This ends the run.
    fn event(&mut self, event: &Event) -> Result<()>;

    /// The facts about the stack, or new ones that replace them.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn stack(&mut self, facts: &StackFacts) -> Result<()> {
        let _ = facts;
        Ok(())
    }

    /// Additional streams, after the existing ones.
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

    /// A line for the user that is not part of the record.
    fn line(&mut self, text: &str) {
        let _ = text;
    }

    /// Called about fifteen times a second.
    fn tick(&mut self, now: Offset) {
        let _ = now;
    }

    /// The run has ended.
    ///
    /// # Errors
    /// If something could not be saved.
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
