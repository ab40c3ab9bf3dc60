//! Where a run takes place: the engine it uses, and what rollproof keeps on disk.

mod clean_up;
mod copy_images;
mod engine_choice;
mod foresee;
mod kernel;
mod ledger;
mod load_images;
mod open;
mod stand_in_images;
mod state_folder;

pub use clean_up::{everything, left_behind, remove_everything, remove_lab, remove_simulation};
pub use engine_choice::{EngineChoice, EngineKind};
pub use foresee::{Foreseen, ImageChecks, health_checks};
pub use kernel::kernel_has_ipvs;
pub use ledger::{Ledger, LoadedImage, NotedStack};
pub use open::{LabUse, OpenOptions, Site};
pub use state_folder::StateFolder;
