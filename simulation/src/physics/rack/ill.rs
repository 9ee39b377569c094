//! Cells that are weak, aged, leaky or badly joined, an arc in the line of a rack, and a rack at another
//! state of charge.
//!
//! Few cells are so: what differs for them is put into the capacity and the resistances that the pass over
//! all cells reads anyway, so that the pass does not know of them.

use super::{HalfWidths, Rack, RackModel, Real, Static};
use crate::persist::leaf;
use crate::physics::kernel::Cells;

/// What is wrong with a cell beside shorts and heaters.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Ill {
    pub(super) cell: usize,
    /// Factors of its capacity and of its resistances.
    pub(super) capacity: f64,
    pub(super) resistance: f64,
    /// The leak that it has while it is not empty.
    pub(super) leak_a: f64,
    /// Resistance of its joint.
    pub(super) joint_ohm: f64,
    /// Current and power that have leaked since the last refresh.
    leaking_a: f64,
    leaking_w: f64,
}
leaf!(Ill);

impl Ill {
    fn none(cell: usize) -> Self {
        Self {
            cell,
            capacity: 1.0,
            resistance: 1.0,
            leak_a: 0.0,
            joint_ohm: 0.0,
            leaking_a: 0.0,
            leaking_w: 0.0,
        }
    }
    fn is_well(&self) -> bool {
        *self == Self::none(self.cell)
    }
    /// Feeds the state to `sink`, for hashing.
    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        sink(&(self.cell as u64).to_le_bytes());
        for value in [
            self.capacity,
            self.resistance,
            self.leak_a,
            self.joint_ohm,
            self.leaking_a,
            self.leaking_w,
        ] {
            sink(&value.to_le_bytes());
        }
    }
}

/// Largest voltage of an arc in V (engineering choice: an arc of some centimetres; at less current it
/// burns with less power).
const ARC_MAX_V: f64 = 100.0;
/// Current in A below which an arc goes out (engineering choice).
const ARC_MIN_A: f64 = 1.0;
/// Noise of the current through an arc over the current (engineering choice).
const ARC_NOISE: f64 = 0.1;

/// An arc in series with a rack. Its current is that of the rack, its voltage that of its power.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Arc {
    power_w: f64,
    /// Resistance that it has in the present tick; 0 while it does not burn.
    pub(super) ohm: f64,
    /// Heat since the last refresh in J.
    pub(super) made_j: f64,
}
leaf!(Arc);

impl Arc {
    /// A tick of `current_a` is over; sets the resistance of the next one.
    pub(super) fn step(&mut self, current_a: f64, tick_s: f64) {
        self.made_j += self.ohm * current_a * current_a * tick_s;
        let burns = self.power_w > 0.0 && current_a.abs() >= ARC_MIN_A;
        let volts = (self.power_w / current_a.abs()).min(ARC_MAX_V);
        self.ohm = if burns { volts / current_a.abs() } else { 0.0 };
    }
    /// Feeds the state to `sink`, for hashing.
    pub(super) fn hash_into(&self, sink: &mut dyn FnMut(&[u8])) {
        for value in [self.power_w, self.ohm, self.made_j] {
            sink(&value.to_le_bytes());
        }
    }
}

impl<R: Real> Rack<R> {
    /// Changes what is wrong with `cell`.
    pub(super) fn fall_ill(&mut self, cell: usize, change: impl FnOnce(&mut Ill)) {
        let place = self.ills.iter().position(|ill| ill.cell == cell).unwrap_or_else(|| {
            self.ills.push(Ill::none(cell));
            self.ills.len() - 1
        });
        change(&mut self.ills[place]);
    }

    /// Forgets cells with which nothing is wrong any more.
    pub(super) fn forget_well(&mut self) {
        self.ills.retain(|ill| !ill.is_well());
    }

    /// The capacity of `cell` changed: its SoC stays, and with it what is left of the rest.
    pub(super) fn resize(&mut self, model: &RackModel<R>, cell: usize) {
        self.rebase();
        self.renew(cell);
        self.sums.fixed = self.static_sums();
        self.see_capacity(model);
    }

    /// Joints lie in series with their cells' own resistance, so that voltage, heat and loss of the pass
    /// contain theirs.
    pub(super) fn add_joints(ills: &[Ill], cells: &mut Cells<R>, fixed: &mut Static) {
        for ill in ills {
            *cells.r0_mut(ill.cell) += R::of(ill.joint_ohm);
            fixed.r0_ohm += ill.joint_ohm;
        }
    }

    /// Leaks of the last `span_s`, and their power from now on: what was booked as lost is what heats.
    pub(super) fn leak_of_ills(&mut self, model: &RackModel<R>, span_s: f64) {
        let mut ills = std::mem::take(&mut self.ills);
        for ill in &mut ills {
            let i = ill.cell;
            self.wear.drained_c[i] += R::of(ill.leaking_a * span_s);
            self.slow.heat[i] += R::of(ill.leaking_w * span_s);
            let charge_c = self.charge_c + self.wear.drained_c[i].f64();
            let soc = self.cells.z0(i).f64() - charge_c * self.cells.inverse_q(i).f64();
            let cell_v = self.cell_voltage_v(model, i);
            // Nothing leaks from what is empty.
            ill.leaking_a = if soc > 0.0 && cell_v > 0.0 { ill.leak_a } else { 0.0 };
            ill.leaking_w = ill.leaking_a * cell_v;
            self.sums.leak_w += ill.leaking_w;
        }
        self.ills = ills;
        self.forget_well();
    }

    /// Lights an arc of `power_w` in the line, or puts it out.
    pub fn set_arc(&mut self, power_w: f64) {
        self.arc.power_w = power_w;
        if power_w <= 0.0 {
            self.arc.ohm = 0.0;
        }
    }
    /// Standard deviation in A of the noise that an arc puts on the current; 0 without one.
    pub fn arc_noise_a(&self) -> f64 {
        if self.arc.ohm > 0.0 { ARC_NOISE * self.reading.current_a.abs() } else { 0.0 }
    }

    /// Brings the cells to the mean state of charge `soc`, each as far from it as it was, within 0 and 1.
    /// The energy of that is in no book.
    pub fn bring_to(&mut self, model: &RackModel<R>, soc: f64) {
        self.fold_shorts();
        self.rebase();
        let n = self.n_cells();
        let by = soc - self.reading.soc;
        for i in 0..n {
            let own = self.cells.z0(i).f64() + by;
            *self.cells.z0_mut(i) = R::of(own.clamp(0.0, 1.0));
        }
        self.sums.fixed = self.static_sums();
        let [sum_v, slope_v_per_c] = model.parameters.half_widths(&self.cells, R::default());
        self.sums.half_widths = HalfWidths { sum_v, slope_v_per_c, charge_c: 0.0 };
        // A look at the voltages without time: what the pass moves is put back.
        let before = self.cells.clone();
        let (relaxing, relaxed) = (self.sums.total.relaxing, self.sums.relaxed_v);
        self.pass(model, self.reading.current_a);
        self.cells = before;
        (self.sums.total.relaxing, self.sums.total.relaxed) = (relaxing, relaxed);
        self.sums.relaxed_v = relaxed;
    }
}
