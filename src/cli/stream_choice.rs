//! A word of `--streams`.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::scenario::StreamKind;

/// One stream, or all that the service and the engine can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamChoice {
    All,
    One(StreamKind),
}

impl StreamChoice {
    pub(super) fn kinds(self) -> Vec<StreamKind> {
        match self {
            Self::All => StreamKind::ALL.to_vec(),
            Self::One(kind) => vec![kind],
        }
    }
}

impl ValueEnum for StreamChoice {
    fn value_variants<'a>() -> &'a [Self] {
        const VARIANTS: [StreamChoice; 9] = {
            let mut all = [StreamChoice::All; 9];
            let mut index = 0;
            while index < StreamKind::ALL.len() {
                all[index + 1] = StreamChoice::One(StreamKind::ALL[index]);
                index += 1;
            }
            all
        };
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::All => {
                Some(PossibleValue::new("all").help("All that this service and engine can have"))
            }
            Self::One(kind) => kind.to_possible_value(),
        }
    }
}
