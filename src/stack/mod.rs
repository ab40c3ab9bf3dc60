//! Room `stack`: to be filled.
