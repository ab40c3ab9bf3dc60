//! Room `image`: to be filled.
