//! Room `scenario`: to be filled.
