//! Answers of the present publication: however many clients ask the same, it is encoded once.
//! Who asks while it is being made waits for it.
//!
//! They are kept under the request's target and its form, and all thrown away when a newer publication is
//! asked for. What is kept is bounded; what does not fit is encoded each time.

use super::form::Form;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

/// Most bytes of bodies that are kept (engineering choice).
const BYTES_MAX: usize = 16 << 20;
/// Most answers that are kept.
const ANSWERS_MAX: usize = 4096;
/// Longest target whose answer is kept.
const TARGET_MAX: usize = 1024;

/// An answer but for its form and its tag.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub(crate) body: Bytes,
    /// Headers of its own.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// An answer and its tag.
#[derive(Clone, Debug)]
pub(super) struct Tagged {
    pub(super) tag: HeaderValue,
    pub(super) made: Made,
}

/// A place for an answer: empty while somebody makes it.
pub(super) type Place = Arc<OnceCell<Tagged>>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    publication: u64,
    n_bytes: usize,
    n_answers: usize,
    /// By form, then by target.
    answers: [HashMap<Box<str>, Place>; Form::ALL.len()],
}

impl Kept {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to the same request at this publication, if it is there.
    pub(super) fn show(&self, publication: u64, form: Form, target: &str) -> Option<Tagged> {
        let shelf = self.shelf();
        if shelf.publication != publication {
            return None;
        }
        shelf.answers[form as usize].get(target)?.get().cloned()
    }

    /// The place for an answer, the same one for whoever asks the same; `None` when a newer publication is
    /// shown already or there is no room.
    pub(super) fn place(&self, publication: u64, form: Form, target: &str) -> Option<Place> {
        let mut shelf = self.shelf();
        if publication > shelf.publication {
            let gone = std::mem::take(&mut *shelf);
            shelf.publication = publication;
            // Freed where nobody waits for the lock.
            drop(shelf);
            drop(gone);
            shelf = self.shelf();
        }
        if shelf.publication != publication {
            return None;
        }
        if let Some(place) = shelf.answers[form as usize].get(target) {
            return Some(Arc::clone(place));
        }
        let has_room = target.len() <= TARGET_MAX
            && shelf.n_answers < ANSWERS_MAX
            && shelf.n_bytes < BYTES_MAX;
        if !has_room {
            return None;
        }
        let place = Place::default();
        shelf.answers[form as usize].insert(target.into(), Arc::clone(&place));
        shelf.n_answers += 1;
        Some(place)
    }

    /// Counts the bytes of an answer that was just made, and throws it away when they are too many.
    pub(super) fn weigh(&self, publication: u64, form: Form, target: &str, n_bytes: usize) {
        let mut shelf = self.shelf();
        if shelf.publication != publication {
            return;
        }
        if shelf.n_bytes + n_bytes <= BYTES_MAX {
            shelf.n_bytes += n_bytes;
        } else if shelf.answers[form as usize].remove(target).is_some() {
            shelf.n_answers -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Form::{Csv, Json};

    fn tagged(length: usize) -> Tagged {
        Tagged { tag: HeaderValue::from_static("\"a\""), made: Made::bytes(vec![7; length]) }
    }
    fn keep(kept: &Kept, publication: u64, form: Form, target: &str, length: usize) {
        if let Some(place) = kept.place(publication, form, target)
            && place.set(tagged(length)).is_ok()
        {
            kept.weigh(publication, form, target, length);
        }
    }
    fn length(kept: &Kept, publication: u64, form: Form, target: &str) -> Option<usize> {
        kept.show(publication, form, target).map(|kept| kept.made.body.len())
    }

    #[test]
    fn an_answer_is_shown_again_at_the_same_publication_in_the_same_form_alone() {
        let kept = Kept::default();
        keep(&kept, 7, Json, "/units?from=1", 3);
        assert_eq!(length(&kept, 7, Json, "/units?from=1"), Some(3));
        assert_eq!(length(&kept, 7, Csv, "/units?from=1"), None);
        assert_eq!(length(&kept, 7, Json, "/units?from=2"), None);
        assert_eq!(length(&kept, 8, Json, "/units?from=1"), None);
        keep(&kept, 8, Csv, "/farm", 4);
        assert_eq!(length(&kept, 7, Json, "/units?from=1"), None, "all of the old one is gone");
        keep(&kept, 7, Json, "/units?from=1", 3);
        assert_eq!(length(&kept, 7, Json, "/units?from=1"), None, "what is old is not kept");
        assert_eq!(length(&kept, 8, Csv, "/farm"), Some(4));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let kept = Kept::default();
        keep(&kept, 1, Json, "/large", BYTES_MAX - 100);
        keep(&kept, 1, Json, "/larger", 200);
        keep(&kept, 1, Json, &"/long".repeat(TARGET_MAX), 1);
        assert_eq!(length(&kept, 1, Json, "/large"), Some(BYTES_MAX - 100));
        assert_eq!(length(&kept, 1, Json, "/larger"), None);
        (0..ANSWERS_MAX + 5).for_each(|n| keep(&kept, 2, Json, &format!("/{n}"), 1));
        let n_kept = (0..ANSWERS_MAX + 5)
            .filter(|n| length(&kept, 2, Json, &format!("/{n}")).is_some())
            .count();
        assert_eq!(n_kept, ANSWERS_MAX);
    }
}
