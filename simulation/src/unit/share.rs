//! What one unit adds to the picture of the farm: small, made every tick.

use super::Unit;
use crate::persist::leaf;
use crate::physics::pcs::Power;
use bess_core::snapshot::{CellExtremes, EnergyTotals, UnitState};
use bess_core::units::{Joules, Vars, Watts};

/// A unit as the farm sees it.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Share {
    pub(crate) state: UnitState,
    /// State of charge as the BMSes estimate it.
    pub(crate) soc: f64,
    /// Trips since the start.
    pub(crate) trips: u32,
    /// What goes to the farm, or comes from it: nothing from a unit on an island of its own.
    pub(crate) active: Watts,
    pub(crate) reactive: Vars,
    pub(crate) auxiliary: Watts,
    pub(crate) available_discharge: Watts,
    pub(crate) available_charge: Watts,
    /// Energy left and when full, as the BMSes estimate them, at nominal voltage.
    pub(crate) energy: Joules,
    pub(crate) energy_capacity: Joules,
    /// Nominal energy of the strings that are whole.
    pub(crate) nominal: Joules,
    /// True energy left and when full, at nominal voltage.
    pub(crate) true_energy: Joules,
    pub(crate) true_capacity: Joules,
    pub(crate) totals: EnergyTotals,
    pub(crate) chemical: Joules,
    /// As the BMSes measure them.
    pub(crate) extremes: CellExtremes,
}
leaf!(Share);

impl Share {
    /// What is left of it when the unit is taken out: its energies and last extremes.
    pub(super) fn stop(&mut self, state: UnitState) {
        *self = Self {
            state,
            active: Watts::ZERO,
            reactive: Vars::ZERO,
            auxiliary: Watts::ZERO,
            available_discharge: Watts::ZERO,
            available_charge: Watts::ZERO,
            ..*self
        };
    }
}

/// State of charge and health of a battery: means over the racks whose strings are whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charge {
    pub(super) soc: f64,
    pub(super) soh: f64,
}

impl Unit {
    /// Makes the share anew: after a tick, and after commands while the clock stands.
    pub(crate) fn look(&mut self) {
        if self.is_quarantined() {
            return;
        }
        let (measured, truth) = (self.measured_charge(), self.true_charge());
        // What is allowed now depends on it.
        self.share.soc = measured.soc;
        // Who feeds an island has nothing for the farm.
        let alone = self.island.is_some();
        let output = if alone { Power::default() } else { self.pcs.output() };
        let (available_discharge, available_charge) =
            if alone { (Watts::ZERO, Watts::ZERO) } else { self.available() };
        let nominal = self.design.nominal_energy();
        // What stands in a string that is open is out of reach.
        let nominal = nominal * self.battery.whole_share();
        let (energy_capacity, true_capacity) = (nominal * measured.soh, nominal * truth.soh);
        self.share = Share {
            state: self.state(),
            soc: measured.soc,
            trips: self.machine.n_trips(),
            active: Watts(output.p_w),
            reactive: Vars(output.q_var),
            // On an island they are part of what the unit feeds.
            auxiliary: if alone { Watts::ZERO } else { Watts(self.auxiliary_w()) },
            available_discharge,
            available_charge,
            energy: energy_capacity * measured.soc.clamp(0.0, 1.0),
            energy_capacity,
            nominal,
            true_energy: true_capacity * truth.soc.clamp(0.0, 1.0),
            true_capacity,
            totals: self.totals,
            chemical: self.chemical,
            extremes: self.measured_extremes(),
        };
    }

    pub(super) fn measured_charge(&self) -> Charge {
        Charge::mean(self.battery.whole().map(|idx| {
            let measured = self.battery.bms(idx).reading();
            (measured.soc, measured.soh)
        }))
    }
    pub(super) fn true_charge(&self) -> Charge {
        Charge::mean(
            self.battery
                .whole()
                .map(|idx| (self.battery.racks()[idx].reading().soc, self.battery.rack_soh(idx))),
        )
    }
}

impl Charge {
    /// The mean of (SoC, SoH); both 0 of nothing.
    fn mean(racks: impl Iterator<Item = (f64, f64)>) -> Self {
        let (mut soc, mut soh, mut n) = (0.0, 0.0, 0.0);
        for rack in racks {
            soc += rack.0;
            soh += rack.1;
            n += 1.0;
        }
        if n > 0.0 { Self { soc: soc / n, soh: soh / n } } else { Self { soc: 0.0, soh: 0.0 } }
    }
}
