//! The bare kernel: the fixed reference of all speed claims. Do not improve it.
//!
//! It does the least that a cell model at 10 Hz must do, in the plainest vectorisable form: SoC from
//! the rack's charge, open-circuit voltage from an even table, two RC pairs, the terminal voltage,
//! its sum and its extremes. No split between racks, no heat, no hysteresis, no limits, no
//! snapshot. The product's tick is quoted as a ratio to it, measured in the same run.

/// Cells of a rack.
pub const CELLS: usize = 416;
const LANES: usize = 16;
const BINS: usize = 200;

/// Racks of the reference kernel, columns over the cells of each.
#[derive(Clone, Debug)]
pub struct BareFarm {
    racks: Vec<BareRack>,
    /// Value and slope of each bin.
    table: Vec<[f32; 2]>,
}

#[derive(Clone, Debug)]
struct BareRack {
    z0: Vec<f32>,
    inverse_q: Vec<f32>,
    r0: Vec<f32>,
    r1: Vec<f32>,
    r2: Vec<f32>,
    a1: Vec<f32>,
    a2: Vec<f32>,
    v1: Vec<f32>,
    v2: Vec<f32>,
    v: Vec<f32>,
    charge_c: f64,
}

impl BareFarm {
    /// `n_racks` racks of [`CELLS`] equal cells; `ocv_v` are the voltages at SoC 0, 0.005, ... 1.
    ///
    /// # Panics
    /// When there are not 201 voltages.
    pub fn new(n_racks: usize, ocv_v: &[f64]) -> Self {
        assert_eq!(ocv_v.len(), BINS + 1, "an even table of 201 voltages");
        let filled = |value: f32| vec![value; CELLS];
        let rack = BareRack {
            z0: filled(0.5),
            inverse_q: filled(1.0 / (314.0 * 3600.0)),
            r0: filled(0.18e-3),
            r1: filled(0.10e-3),
            r2: filled(0.11e-3),
            a1: filled((-0.1f64 / 20.0).exp() as f32),
            a2: filled((-0.1f64 / 400.0).exp() as f32),
            v1: filled(0.0),
            v2: filled(0.0),
            v: filled(0.0),
            charge_c: 0.0,
        };
        let table = ocv_v.windows(2).map(|v| [v[0] as f32, (v[1] - v[0]) as f32]).collect();
        Self { racks: vec![rack; n_racks], table }
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.racks.len() * CELLS
    }

    /// One tick at `current_a` in every rack: returns the sum of the rack voltages, the lowest and the
    /// highest cell voltage.
    pub fn step(&mut self, current_a: f32) -> (f64, f32, f32) {
        let (mut sum, mut lowest, mut highest) = (0.0, f32::INFINITY, f32::NEG_INFINITY);
        for rack in &mut self.racks {
            rack.charge_c += f64::from(current_a) * 0.1;
            let (rack_sum, low, high) = rack.step(current_a, &self.table);
            sum += f64::from(rack_sum);
            lowest = lowest.min(low);
            highest = highest.max(high);
        }
        (sum, lowest, highest)
    }
}

impl BareRack {
    fn step(&mut self, current_a: f32, table: &[[f32; 2]]) -> (f32, f32, f32) {
        let charge_c = self.charge_c as f32;
        let mut sum = [0.0f32; LANES];
        let mut low = [f32::INFINITY; LANES];
        let mut high = [f32::NEG_INFINITY; LANES];
        for first in (0..CELLS).step_by(LANES) {
            let block = first..first + LANES;
            let (z0, inverse_q) = (&self.z0[block.clone()], &self.inverse_q[block.clone()]);
            let (r0, r1, r2) =
                (&self.r0[block.clone()], &self.r1[block.clone()], &self.r2[block.clone()]);
            let (a1, a2) = (&self.a1[block.clone()], &self.a2[block.clone()]);
            let (v1, v2) = (&mut self.v1[block.clone()], &mut self.v2[block.clone()]);
            let v = &mut self.v[block];
            let mut x = [0.0f32; LANES];
            let mut bin = [0i32; LANES];
            for l in 0..LANES {
                x[l] = (z0[l] - charge_c * inverse_q[l]) * BINS as f32;
                bin[l] = x[l] as i32;
            }
            let mut ocv = [0.0f32; LANES];
            for l in 0..LANES {
                let [value, slope] = table[(bin[l].max(0) as usize).min(table.len() - 1)];
                ocv[l] = value + slope * (x[l] - bin[l] as f32);
            }
            for l in 0..LANES {
                v1[l] = a1[l] * v1[l] + (1.0 - a1[l]) * r1[l] * current_a;
                v2[l] = a2[l] * v2[l] + (1.0 - a2[l]) * r2[l] * current_a;
                v[l] = ocv[l] - r0[l] * current_a - v1[l] - v2[l];
                sum[l] += v[l];
                low[l] = low[l].min(v[l]);
                high[l] = high[l].max(v[l]);
            }
        }
        (
            sum.iter().sum(),
            low.iter().copied().fold(f32::INFINITY, f32::min),
            high.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        )
    }
}
