//! The inbox of a farm that nobody but the built-in EMS reaches: what comes by Modbus is its doing, whatever
//! port its connections have this time.

use bess_core::UnitId;
use bess_core::command::{Mailbox, Submission};
use bess_core::trace::Tracer;
use std::sync::Arc;

/// Who the built-in EMS is in the audit and in reports.
const NAME: &str = "built-in EMS";

/// An inbox for the EMS alone.
#[derive(Debug)]
pub(crate) struct Door(Arc<dyn Mailbox>);

impl Door {
    /// The door to this inbox.
    pub(crate) fn to(inbox: Arc<dyn Mailbox>) -> Arc<dyn Mailbox> {
        Arc::new(Self(inbox))
    }
}

impl Mailbox for Door {
    fn note_request(&self, unit: UnitId) {
        self.0.note_request(unit);
    }
    fn tracer(&self) -> Option<&Arc<dyn Tracer>> {
        self.0.tracer()
    }
    fn post(&self, mut submission: Submission) {
        submission.origin.peer = Some(NAME.to_owned());
        self.0.post(submission);
    }
}
