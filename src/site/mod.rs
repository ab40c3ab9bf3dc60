//! Where a run takes place: the engine that is used, and what this program keeps on disk.

mod engine_choice;
mod kernel;
mod lab_use;
mod ledger;
mod open;
mod state_folder;

pub use engine_choice::{EngineChoice, EngineKind};
pub use kernel::kernel_has_ipvs;
pub use lab_use::LabUse;
pub use ledger::{Deployment, Ledger, LoadedImage};
pub use open::{OpenOptions, Site};
pub use state_folder::StateFolder;
