//! Room `ui`: to be filled.
