//! A unit's state in a checkpoint.

use super::Unit;
use crate::persist::{Fields, Misfit, Persist, Writer};
use ciborium::Value;
use std::sync::Arc;

impl Unit {
    /// Writes its state, and the settings of its functions where somebody changed them.
    pub(crate) fn save_whole(&self, out: &mut Writer) {
        out.map(2);
        out.text("state");
        self.save(out);
        out.text("functions");
        if Arc::ptr_eq(&self.functions, &self.design.functions) {
            out.null();
        } else {
            self.functions.save(out);
        }
    }

    /// Reads what [`Unit::save_whole`] wrote.
    ///
    /// # Errors
    /// Where it does not fit.
    pub(crate) fn load_whole(&mut self, from: &Value) -> Result<(), Misfit> {
        let fields = Fields::of(from)?;
        fields.load("state", |from| self.load(from))?;
        fields.load("functions", |from| match from.is_null() {
            true => Ok(()),
            false => self.functions.load(from),
        })?;
        let (profile, bms) = (&self.design.protection, self.impairments.bms);
        self.protection.restored(profile, &bms).map_err(|misfit| misfit.within("state.protection"))
    }
}
