//! Handles by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The handles somebody holds. The lock is taken when a policy is built and at scrape, never by a request.
#[derive(Debug)]
pub(super) struct Directory<T> {
    handles: Mutex<HashMap<String, Weak<T>, ahash::RandomState>>,
}

impl<T> Default for Directory<T> {
    fn default() -> Self {
        Self { handles: Mutex::default() }
    }
}

impl<T> Directory<T> {
    /// The handle of `name`, made when nobody holds it.
    pub(super) fn get(&self, name: &str, make: impl FnOnce() -> T) -> Arc<T> {
        let mut handles = self.lock();
        if let Some(handle) = handles.get(name).and_then(Weak::upgrade) {
            return handle;
        }
        let handle = Arc::new(make());
        handles.insert(name.to_owned(), Arc::downgrade(&handle));
        handle
    }

    /// Every handle still held; forgets the others.
    pub(super) fn held(&self) -> Vec<Arc<T>> {
        let mut held = Vec::new();
        self.lock().retain(|_, handle| {
            let handle = handle.upgrade();
            let keep = handle.is_some();
            held.extend(handle);
            keep
        });
        held
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<T>, ahash::RandomState>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_handle_while_somebody_holds_it() {
        let directory = Directory::<u32>::default();
        let first = directory.get("sale", || 1);
        let second = directory.get("sale", || 2);
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(directory.held().len(), 1);
        drop((first, second));
        assert!(directory.held().is_empty());
        assert_eq!(*directory.get("sale", || 3), 3);
    }
}
