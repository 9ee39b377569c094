//! Models whose curves are written point by point and then adopted: 705 to 712.
//!
//! The first curve is read only and shows what the function of the unit has. What is written to another
//! stays at the desk of the device, word by word and unchecked, until `AdptCrvReq` names that curve: then
//! it is checked as a whole and becomes settings of the function, or `AdptCrvRslt` says that it failed and
//! nothing changes. A stored curve holds the settings of the farm file where nobody wrote to it.
//!
//! `content` has what a curve says in the units of the registers, `adopt` what a stored one becomes, `trip`
//! which trips the models of trips are about.

mod adopt;
mod content;
mod trip;

pub(super) use trip::{Side, TRIP_HV, TRIP_HZ, TRIP_LV};

use super::bindings::{MILLI_SF, PERCENT_SF, Row, r, rw};
use super::spot::Spot;
use super::{Link, Source, Writer};
use crate::map::controls::function_enabled;
use crate::map::edit::{Edit, Late, OwnWrite, Refusal, controls as put, switch};
use crate::map::encoding::{Encoding, Value};
use crate::map::source::{Bind, OwnSource, Sight};
use bess_core::command::Command;
use bess_core::control::{CURVE_POINTS, FunctionName, FunctionsChange, TRIP_POINTS_MAX};
use bess_core::role::Role;
use content::{Content, Part};
use std::sync::Arc;

/// Curves of a model: the one in force and two that are stored.
pub(super) const N_CURVES: u32 = 3;
/// The function, or the trips, whose curves a model shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    VoltVar,
    VoltWatt,
    WattVar,
    Droop,
    Trip(Side),
}

impl Shown {
    /// Points of a curve: as many as the function takes.
    pub(super) fn n_points(self) -> u32 {
        match self {
            Self::Trip(_) => TRIP_POINTS_MAX as u32,
            _ => CURVE_POINTS.1 as u32,
        }
    }

    /// Units of the registers per unit of the input and of the output of the function.
    fn per_xy(self) -> (f64, f64) {
        match self {
            Self::Trip(side) => (side.per_threshold(), 1.0),
            _ => (100.0, 100.0),
        }
    }

    /// What is switched; trips are no function.
    fn function(self) -> Option<FunctionName> {
        match self {
            Self::VoltVar => Some(FunctionName::VoltVar),
            Self::VoltWatt => Some(FunctionName::VoltWatt),
            Self::WattVar => Some(FunctionName::WattVar),
            Self::Droop => Some(FunctionName::FrequencyDroop),
            Self::Trip(_) => None,
        }
    }

    /// Whether a request for curve 0 has a meaning: none is active.
    fn has_none(self) -> bool {
        matches!(self, Self::WattVar | Self::Droop)
    }

    fn is_in(self, change: &FunctionsChange) -> bool {
        match self {
            Self::VoltVar => change.volt_var.is_some(),
            Self::VoltWatt => change.volt_watt.is_some(),
            Self::WattVar => change.watt_var.is_some(),
            Self::Droop => change.frequency_droop.is_some(),
            Self::Trip(side) => side.of_change(&change.trips).points.is_some(),
        }
    }

    /// Whether the command changes the curve of the function.
    fn is_changed_by(self, command: &Command) -> bool {
        match command {
            Command::ConfigureUnit { change, .. } => self.is_in(change),
            Command::Batch(commands) => commands.iter().any(|command| self.is_changed_by(command)),
            _ => false,
        }
    }
}

pub(super) const VOLT_VAR: &[Row] = &[
    rw("Ena", Bind::Whole(|s| function_enabled(s, FunctionName::VoltVar)), |e, v| {
        put::function(e, FunctionName::VoltVar, v)
    }),
    r("V_SF", PERCENT_SF),
    r("DeptRef_SF", PERCENT_SF),
    r("RspTms_SF", PERCENT_SF),
];

pub(super) const VOLT_WATT: &[Row] = &[
    rw("Ena", Bind::Whole(|s| function_enabled(s, FunctionName::VoltWatt)), |e, v| {
        put::function(e, FunctionName::VoltWatt, v)
    }),
    r("V_SF", PERCENT_SF),
    r("DeptRef_SF", PERCENT_SF),
    r("RspTms_SF", PERCENT_SF),
];

pub(super) const WATT_VAR: &[Row] = &[
    rw("Ena", Bind::Whole(|s| function_enabled(s, FunctionName::WattVar)), |e, v| {
        put::function(e, FunctionName::WattVar, v)
    }),
    r("W_SF", PERCENT_SF),
    r("DeptRef_SF", PERCENT_SF),
];

pub(super) const DROOP: &[Row] = &[
    rw("Ena", Bind::Whole(|s| function_enabled(s, FunctionName::FrequencyDroop)), |e, v| {
        put::function(e, FunctionName::FrequencyDroop, v)
    }),
    r("Db_SF", MILLI_SF),
    r("K_SF", Bind::Scale(-4)),
    r("RspTms_SF", PERCENT_SF),
];

/// A register of a curve.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// From 0, the one in force.
    curve_idx: usize,
    part: Part,
    address: u16,
    encoding: Encoding,
    exponent: i8,
}

/// A model with its curves.
#[derive(Debug)]
pub(super) struct Block {
    shown: Shown,
    /// Registers of the request to adopt a curve, and of what came of it.
    request: u16,
    result: u16,
    slots: Vec<Slot>,
}

/// What came of a request.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    InProgress = 0,
    Completed = 1,
    Failed = 2,
}

/// What a register of the model is.
#[derive(Clone, Copy, Debug)]
enum Register {
    /// Whether the trips of this side are on.
    Enabled(Side),
    Request,
    Result,
    Of(Slot),
}

impl Register {
    fn of(shown: Shown, spot: &Spot<&'static Link>, exponent: i8) -> Option<Self> {
        match (&*spot.path, shown) {
            ("Ena", Shown::Trip(side)) => Some(Self::Enabled(side)),
            ("AdptCrvReq" | "AdptCtlReq", _) => Some(Self::Request),
            ("AdptCrvRslt" | "AdptCtlRslt", _) => Some(Self::Result),
            (path, _) => Some(Self::Of(Slot {
                curve_idx: spot.place.index[0],
                part: Part::of(shown, path, spot.place.index[1])?,
                address: spot.address,
                encoding: spot.point.encoding,
                exponent,
            })),
        }
    }
}

impl Block {
    /// The model whose points these are, each with its exponent.
    pub(super) fn new<'s>(
        shown: Shown,
        spots: impl Iterator<Item = (&'s Spot<&'static Link>, i8)>,
    ) -> Self {
        let mut block = Self { shown, request: 0, result: 0, slots: Vec::new() };
        for (spot, exponent) in spots {
            match Register::of(shown, spot, exponent) {
                Some(Register::Request) => block.request = spot.address,
                Some(Register::Result) => block.result = spot.address,
                Some(Register::Of(slot)) => block.slots.push(slot),
                Some(Register::Enabled(_)) | None => {}
            }
        }
        block
    }

    /// The content of a curve as far as nobody wrote to it.
    fn content<'s>(&self, sight: Sight<'s>, curve_idx: usize) -> Option<Content<'s>> {
        let settings = match curve_idx {
            0 => sight.functions()?,
            _ => &sight.spec()?.design.functions,
        };
        Some(Content::new(self.shown, settings, sight.view()?.control.priority, curve_idx == 0))
    }

    fn outcome(&self, sight: Sight<'_>) -> i64 {
        let desk = sight.desk();
        let publication = sight.snapshot.publication;
        if desk.pending.any(publication, &|command| self.shown.is_changed_by(command)) {
            return Outcome::InProgress as i64;
        }
        desk.staged(self.result).map_or(Outcome::Completed as i64, i64::from)
    }
}

impl Slot {
    /// The words of the register, if somebody staged them; those that nobody did are those of `otherwise`.
    fn staged(
        &self,
        staged: &dyn Fn(u16) -> Option<u16>,
        otherwise: Value<'_>,
    ) -> Option<([u16; 2], usize)> {
        let n = usize::from(self.encoding.registers());
        let mut words = [0; 2];
        self.encoding.encode(otherwise, self.exponent, &mut words[..n]);
        let mut is_staged = false;
        for (word, key) in words[..n].iter_mut().zip(self.address..) {
            if let Some(own) = staged(key) {
                (*word, is_staged) = (own, true);
            }
        }
        is_staged.then_some((words, n))
    }
}

/// A register of the model as a field has it.
#[derive(Debug)]
struct Bound {
    block: Arc<Block>,
    register: Register,
}

impl OwnSource for Bound {
    fn value<'s>(&self, sight: Sight<'s>) -> Value<'s> {
        let block = &self.block;
        let slot = match self.register {
            Register::Enabled(side) => return Value::Raw(is_enabled(side, sight)),
            Register::Result => return Value::Raw(block.outcome(sight)),
            // The curve in force is the first.
            Register::Request => {
                return Value::Raw(sight.desk().staged(block.request).map_or(1, i64::from));
            }
            Register::Of(slot) => slot,
        };
        let content = block.content(sight, slot.curve_idx);
        let own = content.map_or(Value::Missing, |content| content.value(slot.part));
        if slot.curve_idx == 0 {
            return own;
        }
        let staged = slot.staged(&|key| sight.desk().staged(key), own);
        staged.map_or(own, |(words, n)| {
            let bits = words[..n].iter().fold(0, |bits, word| bits << 16 | i64::from(*word));
            Value::Raw(bits)
        })
    }
}

impl OwnWrite for Bound {
    fn take(&self, edit: &mut Edit<'_>, value: Option<f64>, words: &[u16]) -> Result<(), Refusal> {
        match self.register {
            Register::Result => Err(Refusal::Address),
            Register::Enabled(side) => {
                let is_on = switch(value.ok_or(Refusal::Value)?)?;
                side.in_change(&mut edit.functions().trips).enabled = Some(is_on);
                Ok(())
            }
            Register::Request => {
                let most = f64::from(N_CURVES);
                let least = if self.block.shown.has_none() { 0.0 } else { 1.0 };
                if !value.is_some_and(|wanted| (least..=most).contains(&wanted)) {
                    return Err(Refusal::Value);
                }
                edit.stage(self.block.request, words[0]);
                edit.later(Arc::clone(&self.block) as Arc<dyn Late>);
                Ok(())
            }
            // Any word: a curve is checked when it is adopted.
            Register::Of(slot) => {
                let words = words.iter().zip(slot.address..);
                words.for_each(|(word, key)| edit.stage(key, *word));
                Ok(())
            }
        }
    }
}

/// Whether the trips of a side are on, with what was accepted and no snapshot shows yet.
fn is_enabled(side: Side, sight: Sight<'_>) -> i64 {
    let switched =
        sight.desk().pending.last(sight.snapshot.publication, &|command| match command {
            Command::ConfigureUnit { change, .. } => side.of_change(&change.trips).enabled,
            _ => None,
        });
    let set = sight.functions().is_some_and(|functions| side.of(&functions.trips).enabled);
    switched.unwrap_or(set).into()
}

/// What a point of the model shows and does, where no row says it.
pub(super) fn bind(
    block: &Arc<Block>,
    spot: &Spot<&'static Link>,
) -> Option<(Source, Option<Writer>, Role)> {
    // The exponent is that of the block's own slot.
    let register = match Register::of(block.shown, spot, 0)? {
        Register::Of(_) => {
            Register::Of(*block.slots.iter().find(|slot| slot.address == spot.address)?)
        }
        other => other,
    };
    let bound = Arc::new(Bound { block: Arc::clone(block), register });
    let is_stored = |slot: Slot| slot.curve_idx > 0 && slot.part != Part::ReadOnly;
    let takes = match register {
        Register::Result => false,
        Register::Request | Register::Enabled(_) => true,
        Register::Of(slot) => is_stored(slot),
    };
    let write = takes.then(|| Writer::Own(Arc::clone(&bound) as Arc<dyn OwnWrite>));
    Some((Source::Own(bound), write, Role::Engineer))
}
