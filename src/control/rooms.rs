//! The waiting rooms as the process runs them: their clock, their store and the thread that moves the lines.

mod encoding;
pub mod file_store;
pub mod keys;
pub mod memory_store;
pub mod steady;
