//! Room `engine`: to be filled.
