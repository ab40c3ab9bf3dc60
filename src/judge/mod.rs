//! Room `judge`: to be filled.
