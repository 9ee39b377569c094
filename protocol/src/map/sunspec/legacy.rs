//! Controls of models 123 and 124 that work together: the limit of the output (`WMaxLimPct`) and the rates
//! of charge and discharge (`StorCtl_Mod`, `InWRte`, `OutWRte`).
//!
//! The bits of `StorCtl_Mod` put a rate in force: bit 0 that of charge, bit 1 that of discharge. A rate is
//! the most that may flow that way, in percent of the rating; a negative one has the battery do the
//! opposite: `OutWRte` -50 charges with half of the rating. A unit has one cap of discharge for the limit
//! and the rate, which is the lower of both, and one setpoint, which a negative rate writes and takes back
//! when it ends. The registers hold what was written as long as the unit does that, and show what it does
//! as soon as somebody else has changed it.
//!
//! The cap of charge does not revert: a time of reversion together with it is refused.

use super::spot::Spot;
use super::{Link, Source, Writer};
use crate::map::edit::{Edit, Late, OwnWrite, Refusal, controls as put};
use crate::map::encoding::{Encoding, Value};
use crate::map::source::{OwnSource, Sight};
use bess_core::command::{SetpointMode, UnitControl};
use bess_core::event::Reverted;
use bess_core::role::Role;
use std::sync::Arc;

/// The registers that work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    LimitPct,
    LimitEnabled,
    Mode,
    DischargeRate,
    ChargeRate,
    ReversionTime,
    /// Where charge may come from. All of it comes over the converter: it is kept and does nothing.
    ChargeFrom,
}

const REGISTERS: [(&str, Which); 7] = [
    ("WMaxLimPct", Which::LimitPct),
    ("WMaxLim_Ena", Which::LimitEnabled),
    ("StorCtl_Mod", Which::Mode),
    ("OutWRte", Which::DischargeRate),
    ("InWRte", Which::ChargeRate),
    ("InOutWRte_RvrtTms", Which::ReversionTime),
    ("ChaGriSet", Which::ChargeFrom),
];

const CHARGE_BIT: u16 = 1;
const DISCHARGE_BIT: u16 = 2;
/// `ChaGriSet`: from the grid.
const FROM_GRID: f64 = 1.0;

/// Where the registers are.
#[derive(Debug)]
pub(super) struct Block {
    /// In the order of [`REGISTERS`].
    registers: Vec<(u16, Encoding, i8)>,
}

/// What the registers hold; rates in percent of the rating.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Controls {
    limit_pct: f64,
    limit_enabled: bool,
    mode: u16,
    discharge_pct: f64,
    charge_pct: f64,
    reversion_s: f64,
    charge_from: f64,
}

/// What that makes of a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Effect {
    /// Cap of discharge in percent, where there is one.
    discharge_cap_pct: Option<f64>,
    /// Cap of charge in percent; 100 for none.
    charge_cap_pct: f64,
    /// Setpoint in percent, positive is discharge, where a rate makes one.
    forced_pct: Option<f64>,
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

impl Controls {
    /// What a unit that nobody controlled through these registers shows.
    fn of(control: &UnitControl) -> Self {
        let caps_charge = control.charge_limit_pct < 100.0;
        Self {
            limit_pct: control.discharge_limit_pct,
            limit_enabled: control.discharge_limit_enabled,
            mode: if caps_charge { CHARGE_BIT } else { 0 },
            discharge_pct: 100.0,
            charge_pct: control.charge_limit_pct,
            reversion_s: f64::from(control.discharge_limit_reversion.time_s),
            charge_from: FROM_GRID,
        }
    }

    fn get(&self, which: Which) -> f64 {
        match which {
            Which::LimitPct => self.limit_pct,
            Which::LimitEnabled => f64::from(u8::from(self.limit_enabled)),
            Which::Mode => f64::from(self.mode),
            Which::DischargeRate => self.discharge_pct,
            Which::ChargeRate => self.charge_pct,
            Which::ReversionTime => self.reversion_s,
            Which::ChargeFrom => self.charge_from,
        }
    }

    /// # Errors
    /// When the register does not take the value.
    fn set(&mut self, which: Which, value: f64) -> Result<(), Refusal> {
        let range = match which {
            Which::LimitPct => 0.0..=100.0,
            Which::LimitEnabled | Which::ChargeFrom => 0.0..=1.0,
            Which::Mode => 0.0..=3.0,
            Which::DischargeRate | Which::ChargeRate => -100.0..=100.0,
            Which::ReversionTime => 0.0..=f64::from(u16::MAX),
        };
        if !range.contains(&value) {
            return Err(Refusal::Value);
        }
        match which {
            Which::LimitPct => self.limit_pct = value,
            Which::LimitEnabled => self.limit_enabled = value > 0.0,
            Which::Mode => self.mode = value as u16,
            Which::DischargeRate => self.discharge_pct = value,
            Which::ChargeRate => self.charge_pct = value,
            Which::ReversionTime => self.reversion_s = value,
            Which::ChargeFrom => self.charge_from = value,
        }
        Ok(())
    }

    /// # Errors
    /// When the battery is to be charged and discharged at once.
    fn effect(&self) -> Result<Effect, Refusal> {
        let rate = |bit, pct| (self.mode & bit != 0).then_some(pct);
        let (discharge, charge) =
            (rate(DISCHARGE_BIT, self.discharge_pct), rate(CHARGE_BIT, self.charge_pct));
        let limit = self.limit_enabled.then_some(self.limit_pct);
        let caps = [limit, discharge.map(|pct| pct.max(0.0))];
        let forced_pct = match (discharge, charge) {
            (Some(out), Some(into)) if out < 0.0 && into < 0.0 => return Err(Refusal::Value),
            (Some(out), _) if out < 0.0 => Some(out),
            (_, Some(into)) if into < 0.0 => Some(-into),
            _ => None,
        };
        Ok(Effect {
            discharge_cap_pct: caps.into_iter().flatten().reduce(f64::min),
            charge_cap_pct: charge.map_or(100.0, |pct| pct.max(0.0)),
            forced_pct,
        })
    }
}

impl Effect {
    /// Whether the unit does that.
    fn is_so(&self, control: &UnitControl) -> bool {
        let active = control.active;
        let is_capped = match self.discharge_cap_pct {
            Some(pct) => {
                control.discharge_limit_enabled && is_near(pct, control.discharge_limit_pct)
            }
            None => !control.discharge_limit_enabled,
        };
        let is_forced = self.forced_pct.is_none_or(|pct| {
            active.enabled && active.mode == SetpointMode::Percent && is_near(pct, active.percent)
        });
        is_capped && is_forced && is_near(self.charge_cap_pct, control.charge_limit_pct)
    }
}

impl Block {
    /// The registers among those of models 123 and 124, each with its exponent.
    ///
    /// # Panics
    /// When one is not there; a test lays every chain out.
    pub(super) fn new(spots: &[(&Spot<&'static Link>, i8)]) -> Self {
        let find = |name: &str| {
            let spot = spots.iter().find(|(spot, _)| spot.path == name);
            let (spot, exponent) = spot.expect("models 123 and 124 are there whole");
            (spot.address, spot.point.encoding, *exponent)
        };
        Self { registers: REGISTERS.iter().map(|(name, _)| find(name)).collect() }
    }

    /// The values that words are staged for.
    fn staged(&self, staged: &dyn Fn(u16) -> Option<u16>) -> impl Iterator<Item = (Which, f64)> {
        let values = REGISTERS.iter().zip(&self.registers).filter_map(
            |((_, which), (address, encoding, exponent))| {
                let word = staged(*address)?;
                Some((*which, encoding.decode(&[word], *exponent)?))
            },
        );
        values.collect::<Vec<_>>().into_iter()
    }

    /// What the registers show.
    fn shown(&self, sight: Sight<'_>) -> Controls {
        let control = sight.view().map_or_else(UnitControl::default, |view| view.control);
        let found = Controls::of(&control);
        let mut held = Controls { charge_pct: 100.0, mode: 0, ..found };
        for (which, value) in self.staged(&|key| sight.desk().staged(key)) {
            // What was staged was in its range.
            let _ = held.set(which, value);
        }
        held.reversion_s = found.reversion_s;
        let is_so = held.effect().is_ok_and(|effect| effect.is_so(&control));
        if is_so { held } else { Controls { charge_from: held.charge_from, ..found } }
    }
}

impl Late for Block {
    fn settle(&self, edit: &mut Edit<'_>) -> Result<bool, Refusal> {
        let before = self.shown(edit.sight());
        let mut after = before;
        let mut reverts = false;
        for (which, value) in self.staged(&|key| edit.staged_now(key)) {
            after.set(which, value)?;
            reverts |= which == Which::ReversionTime;
        }
        let effect = after.effect()?;
        if effect.charge_cap_pct < 100.0 && after.charge_pct >= 0.0 && after.reversion_s > 0.0 {
            return Err(Refusal::Value);
        }
        if reverts {
            put::reversion_to_off(edit, Reverted::DischargeLimit, after.reversion_s)?;
            put::reversion_to_off(edit, Reverted::ActivePower, after.reversion_s)?;
        }
        let control = edit.sight().view().map_or_else(UnitControl::default, |view| view.control);
        let forced_before = before.effect()?.forced_pct;
        let change = edit.change_mut();
        change.discharge_limit_enabled = Some(effect.discharge_cap_pct.is_some());
        change.discharge_limit_pct = effect.discharge_cap_pct;
        if !is_near(effect.charge_cap_pct, control.charge_limit_pct) {
            change.charge_limit_pct = Some(effect.charge_cap_pct);
        }
        if let Some(pct) = effect.forced_pct {
            change.active_enabled = Some(true);
            change.active_mode = Some(SetpointMode::Percent);
            change.active_pct = Some(pct);
        } else if forced_before.is_some() {
            change.active_enabled = Some(false);
        }
        // All of them, so that the registers which the request left alone hold what they showed.
        for ((_, which), (address, encoding, exponent)) in REGISTERS.iter().zip(&self.registers) {
            let mut word = [0];
            encoding.encode(Value::Number(after.get(*which)), *exponent, &mut word);
            edit.stage(*address, word[0]);
        }
        Ok(true)
    }
}

/// One of the registers.
#[derive(Debug)]
struct Register {
    block: Arc<Block>,
    which: Which,
    address: u16,
}

impl OwnSource for Register {
    fn value<'s>(&self, sight: Sight<'s>) -> Value<'s> {
        Value::Number(self.block.shown(sight).get(self.which))
    }
}

impl OwnWrite for Register {
    fn take(&self, edit: &mut Edit<'_>, value: Option<f64>, words: &[u16]) -> Result<(), Refusal> {
        value.ok_or(Refusal::Value)?;
        edit.stage(self.address, words[0]);
        let block: Arc<Block> = Arc::clone(&self.block);
        edit.later(block);
        Ok(())
    }
}

/// What one of these registers shows and does.
pub(super) fn bind(
    block: &Arc<Block>,
    spot: &Spot<&'static Link>,
) -> Option<(Source, Option<Writer>, Role)> {
    let (_, which) = REGISTERS.iter().find(|(name, _)| *name == spot.path)?;
    let address = spot.address;
    let register = Arc::new(Register { block: Arc::clone(block), which: *which, address });
    let source = Source::Own(Arc::clone(&register) as Arc<dyn OwnSource>);
    Some((source, Some(Writer::Own(register)), Role::Operator))
}
