//! The picture of the farm: built into a recycled snapshot when somebody looks.

use super::{Engine, SPARES};
use crate::physics::pcs::Power;
use crate::unit::{Share, Surroundings, Unit};
use bess_core::id::UnitId;
use bess_core::snapshot::{ClockView, FarmView, Snapshot};
use bess_core::units::{Hertz, Joules, Vars, Watts};
use std::sync::Arc;

impl Engine {
    /// Publishes: the picture of the present state, with the cells of `shown` units.
    pub fn snapshot(
        &mut self,
        clock: ClockView,
        wall_unix_ns: i64,
        shown: &[UnitId],
    ) -> Arc<Snapshot> {
        self.snapshot_with(clock, wall_unix_ns, shown, &mut |_| {})
    }

    /// Like [`Engine::snapshot`]; `finish` gets the whole picture before anybody else, to put into it what
    /// is made of it.
    pub fn snapshot_with(
        &mut self,
        clock: ClockView,
        wall_unix_ns: i64,
        shown: &[UnitId],
        finish: &mut dyn FnMut(&mut Snapshot),
    ) -> Arc<Snapshot> {
        self.publication += 1;
        let mut arc = self.take_spare();
        let snapshot = Arc::get_mut(&mut arc).expect("a spare snapshot has no reader");
        snapshot.tick = self.tick;
        snapshot.publication = self.publication;
        snapshot.time = self.start.at(self.tick);
        snapshot.wall_unix_ns = wall_unix_ns;
        snapshot.clock = clock;
        snapshot.units.clear();
        snapshot.racks.clear();
        snapshot.alarms.clear();
        snapshot.functions.clear();
        snapshot.plant = Arc::clone(self.plant.settings());
        snapshot.events = Arc::clone(&self.events);
        snapshot.audit = Arc::clone(&self.audit);
        snapshot.link = Arc::clone(&self.link);
        snapshot.forced = Arc::clone(&self.forced);
        snapshot.counts = self.counts();
        let around = self.around.last().expect("there is always one");
        for (idx, unit) in self.units.iter().enumerate() {
            let kept = self
                .last
                .as_ref()
                .map(|last| (&last.units[idx], &last.racks[self.spec.units[idx].racks.clone()]));
            snapshot.units.push(unit.show(around, kept, &mut snapshot.racks));
            snapshot.alarms.extend_from_slice(unit.alarms());
            snapshot.functions.push(Arc::clone(unit.functions()));
        }
        snapshot.cells.clear();
        let tick = self.tick.0;
        let cells = shown.iter().filter_map(|id| self.units[id.idx()].cells_view(tick));
        snapshot.cells.extend(cells.map(Arc::new));
        snapshot.farm = self.farm();
        finish(snapshot);
        if self.spare.len() < SPARES {
            self.spare.push(Arc::clone(&arc));
        }
        self.last = Some(Arc::clone(&arc));
        arc
    }

    /// A snapshot that nobody else holds, old or new.
    fn take_spare(&mut self) -> Arc<Snapshot> {
        for idx in 0..self.spare.len() {
            if Arc::strong_count(&self.spare[idx]) == 1 {
                return self.spare.swap_remove(idx);
            }
        }
        // All are read at the moment; forget the oldest so that the list does not go stale.
        if self.spare.len() == SPARES {
            self.spare.remove(0);
        }
        Arc::new(Snapshot::empty(Arc::clone(&self.spec)))
    }

    /// The whole farm at the end of the last tick: sums in the order of the units.
    pub fn farm(&self) -> FarmView {
        let around = self.around.last().expect("there is always one");
        self.farm_of(around, self.units.iter().map(Unit::share))
    }

    pub(super) fn farm_of<'s>(
        &self,
        around: &Surroundings,
        shares: impl Iterator<Item = &'s Share>,
    ) -> FarmView {
        let mut farm = FarmView {
            setpoint: self.plant.active,
            reactive_setpoint: self.plant.reactive,
            frequency: Hertz(around.grid.frequency_mean_hz()),
            voltage_pu: around.grid.voltage_mean_pu(),
            frequency_response: Watts(self.plant.frequency_response_w()),
            ramped_setpoint: Watts(self.plant.ramped_setpoint_w()),
            ambient: around.ambient,
            totals: self.poi,
            commands_applied: self.commands_applied,
            commands_refused: self.commands_refused,
            ..FarmView::default()
        };
        let (mut nominal, mut true_energy, mut true_capacity) =
            (Joules::ZERO, Joules::ZERO, Joules::ZERO);
        for (idx, unit) in shares.enumerate() {
            farm.units_by_state[unit.state as usize] += 1;
            farm.trips += u64::from(unit.trips);
            farm.units_power += unit.active;
            farm.reactive_power += unit.reactive;
            farm.auxiliary_power += unit.auxiliary;
            farm.available_discharge_power += unit.available_discharge;
            farm.available_charge_power += unit.available_charge;
            farm.energy += unit.energy;
            farm.energy_capacity += unit.energy_capacity;
            true_energy += unit.true_energy;
            true_capacity += unit.true_capacity;
            nominal += unit.nominal;
            farm.totals.cell_loss += unit.totals.cell_loss;
            farm.totals.pcs_loss += unit.totals.pcs_loss;
            farm.totals.auxiliary += unit.totals.auxiliary;
            farm.chemical_energy_drawn += unit.chemical;
            farm.extremes =
                if idx == 0 { unit.extremes } else { farm.extremes.merged(&unit.extremes) };
        }
        farm.true_soc = true_energy / true_capacity;
        let q_var = farm.reactive_power.0;
        let loss_at = |power: Watts| Watts(self.transformer_loss_w(Power { p_w: power.0, q_var }));
        let net = farm.units_power - farm.auxiliary_power;
        farm.transformer_loss = loss_at(net);
        let flows = self.site.passing(Power { p_w: (net - farm.transformer_loss).0, q_var });
        farm.true_active_power = Watts(flows.p_w);
        farm.true_reactive_power = Vars(flows.q_var);
        let metered = self.site.measured(flows);
        farm.active_power = Watts(metered.p_w);
        farm.reactive_power = Vars(metered.q_var);
        let most = farm.available_discharge_power - farm.auxiliary_power;
        farm.available_discharge_power = (most - loss_at(most)).max(Watts::ZERO);
        let most = farm.available_charge_power + farm.auxiliary_power;
        farm.available_charge_power = most + loss_at(most);
        farm.soc = farm.energy / farm.energy_capacity;
        farm.soh = farm.energy_capacity / nominal;
        farm
    }
}
