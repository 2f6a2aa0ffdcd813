//! The synchronisation that seats are built of, named in one place so that a test can run the same code under shuttle.

pub(super) use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Arc, Mutex, MutexGuard};
