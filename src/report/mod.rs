//! Room `report`: to be filled.
