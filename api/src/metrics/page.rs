//! The answer to a scrape, in a buffer that is used again: a large one costs more to get from the system
//! than to fill.

use super::text::Text;
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that are kept.
const KEPT: usize = 2;
/// Larger ones are given back to the system.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Buffers that nobody uses now.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Text>>);

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
    text: Text,
    pool: Arc<Pool>,
}

impl Page {
    /// The whole text.
    pub fn text(&self) -> &str {
        self.text.as_str()
    }
    /// Where it is written.
    pub(crate) fn text_mut(&mut self) -> &mut Text {
        &mut self.text
    }
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
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
        page.text_mut().push_str("text of some length");
        let place = page.text().as_ptr();
        drop(page);
        let again = pool.page();
        assert_eq!((again.text().len(), again.text().as_ptr()), (0, place));
        // More at once than are kept.
        let pages: Vec<Page> = (0..9).map(|_| pool.page()).collect();
        drop((again, pages));
        assert!(pool.0.lock().unwrap().len() <= KEPT);
    }
}
