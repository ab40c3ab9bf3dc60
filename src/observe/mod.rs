//! Room `observe`: to be filled.
