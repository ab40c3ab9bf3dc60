//! Room `probe`: to be filled.
