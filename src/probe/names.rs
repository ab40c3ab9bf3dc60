//! One copy of each name that answers carry.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use hyper::header::HeaderValue;

/// Beyond this many different names a server is making them up, and memory must stay flat.
const MOST: usize = 4096;
/// A container's host name has at most 64 bytes; longer values are no names.
const LONGEST: usize = 256;

/// Replica and version names, each held once, so that a shot costs no allocation for them.
#[derive(Debug, Default)]
pub(super) struct Names(RefCell<HashSet<Arc<str>>>);

impl Names {
    /// The shared copy of a header's value; `None` if it is absent or no plain name.
    pub fn intern(&self, value: Option<&HeaderValue>) -> Option<Arc<str>> {
        let name = value?.to_str().ok()?;
        if name.is_empty() || name.len() > LONGEST {
            return None;
        }
        let mut names = self.0.borrow_mut();
        if let Some(known) = names.get(name) {
            return Some(Arc::clone(known));
        }
        let name: Arc<str> = Arc::from(name);
        if names.len() < MOST {
            names.insert(Arc::clone(&name));
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_is_the_same_copy() {
        let names = Names::default();
        let first = names.intern(Some(&HeaderValue::from_static("a1"))).unwrap();
        let again = names.intern(Some(&HeaderValue::from_static("a1"))).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(names.intern(None), None);
        assert_eq!(names.intern(Some(&HeaderValue::from_static(""))), None);
    }

    #[test]
    fn made_up_names_do_not_fill_memory() {
        let names = Names::default();
        for number in 0..MOST + 10 {
            let value = HeaderValue::from(number);
            assert_eq!(names.intern(Some(&value)).unwrap().as_ref(), number.to_string());
        }
        assert_eq!(names.0.borrow().len(), MOST);
    }
}
