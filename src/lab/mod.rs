//! Room `lab`: to be filled.
