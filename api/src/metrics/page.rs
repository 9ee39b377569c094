//! The text of a scrape, in a buffer that is used again: a large one costs more to get from the system
//! than to fill.

use std::fmt::{self, Write};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that are kept.
const KEPT: usize = 2;
/// Larger ones are given back to the system.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Buffers that nobody uses now.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<String>>);

impl Pool {
    /// An empty page, in a buffer that was used before if there is one.
    pub(crate) fn page(self: &Arc<Self>) -> Page {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Page { text: text.unwrap_or_default(), pool: Arc::clone(self) }
    }
}

/// A text; its buffer goes back to the pool when it was sent.
#[derive(Debug)]
pub struct Page {
    text: String,
    pool: Arc<Pool>,
}

impl Deref for Page {
    type Target = String;
    fn deref(&self) -> &String {
        &self.text
    }
}
impl DerefMut for Page {
    fn deref_mut(&mut self) -> &mut String {
        &mut self.text
    }
}
impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}
impl Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.write_str(text)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        let mut pool = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < KEPT && text.capacity() <= KEPT_BYTES_MAX {
            text.clear();
            pool.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_no_text_is_left_in_it() {
        let pool = Arc::new(Pool::default());
        let mut page = pool.page();
        page.push_str("text of some length");
        let place = page.as_ptr();
        drop(page);
        let again = pool.page();
        assert_eq!((again.len(), again.as_ptr()), (0, place));
        // More at once than are kept.
        let pages: Vec<Page> = (0..9).map(|_| pool.page()).collect();
        drop((again, pages));
        assert!(pool.0.lock().unwrap().len() <= KEPT);
    }
}
