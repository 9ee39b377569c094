//! A shard: a row of a farm's units that a process of its own runs, with the bits that they have in the
//! whole farm.
//!
//! What is the farm's is cut to the shard's share of the rated power. What lets units feel each other
//! through the grid cannot be cut, so such a farm is refused.

use super::{FarmSpec, GridKind, UnitSpec};
use crate::control::FunctionName;
use crate::defect::PlannedDefect;
use crate::id::UnitId;
use std::sync::Arc;

/// Which part of a farm a process has.
#[derive(Clone, Debug, PartialEq)]
pub struct Shard {
    /// Number of the shard, from 0.
    pub index: usize,
    /// Units of a shard; the last one may have fewer.
    pub units_per_shard: usize,
    /// Shards of the farm.
    pub n_shards: usize,
    /// Units of the whole farm.
    pub farm_units: usize,
    /// Units of the farm before the first of this shard.
    pub first_unit: usize,
    /// Racks of the farm before the first of this shard.
    pub first_rack: usize,
    /// This shard's part of the farm's rated active power, > 0, at most 1.
    pub share: f64,
    /// Names of all units of the farm.
    pub names: Arc<[String]>,
}

impl Shard {
    /// The number in the farm of the unit that people call `name`, be it here or elsewhere.
    pub fn number_in_farm(&self, name: &str) -> Option<u32> {
        let number = match name.parse() {
            Ok(number) => number,
            Err(_) => self.names.iter().position(|known| known == name)? as u32 + 1,
        };
        (1..=self.farm_units as u32).contains(&number).then_some(number)
    }
}

/// Why a farm has no such shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShard {
    /// A shard needs units.
    #[error("a shard has at least 1 unit, not 0")]
    NoUnits,
    /// The farm ends before it.
    #[error(
        "there is no shard {index}: {farm_units} units in shards of {units_per_shard} are {n_shards} shards, 0 to {}",
        .n_shards - 1
    )]
    Beyond {
        /// What was asked for.
        index: usize,
        /// Units of a shard.
        units_per_shard: usize,
        /// Units of the whole farm.
        farm_units: usize,
        /// Shards of the farm.
        n_shards: usize,
    },
    /// Units of different shards would feel each other.
    #[error("`{field}` cannot be run in shards: {reason}\nhint: {hint}")]
    Coupled {
        /// The key of the farm file.
        field: &'static str,
        /// What of it crosses shards.
        reason: &'static str,
        /// How to mend it.
        hint: &'static str,
    },
}

impl FarmSpec {
    /// Number of shards of so many units, at least 1, that the farm has.
    pub fn n_shards(&self, units_per_shard: usize) -> usize {
        self.units.len().div_ceil(units_per_shard.max(1))
    }

    /// The shard `index` (from 0) of this whole farm, with at most `units_per_shard` units: its units with
    /// their numbers, chance, defects and designs, and its share of what is the farm's. A farm that is
    /// one shard is left as it is.
    ///
    /// # Errors
    /// When the farm has no such shard, or lets units feel each other through the grid.
    pub fn in_shard(&self, index: usize, units_per_shard: usize) -> Result<Self, NoShard> {
        if units_per_shard == 0 {
            return Err(NoShard::NoUnits);
        }
        let (farm_units, n_shards) = (self.units.len(), self.n_shards(units_per_shard));
        if index >= n_shards {
            return Err(NoShard::Beyond { index, units_per_shard, farm_units, n_shards });
        }
        if n_shards > 1 {
            self.check_uncoupled()?;
        }
        let first_unit = index * units_per_shard;
        let own = first_unit..(first_unit + units_per_shard).min(farm_units);
        let first_rack = self.units[first_unit].racks.start;
        let place =
            |idx: usize| own.contains(&idx).then(|| UnitId::of_shard(idx - first_unit, first_unit));
        let unit = |unit: &UnitSpec| {
            let id = place(unit.id.idx())?;
            let racks = unit.racks.start - first_rack..unit.racks.end - first_rack;
            Some(UnitSpec { id, racks, ..unit.clone() })
        };
        let defect = |defect: &PlannedDefect| {
            Some(PlannedDefect { unit: place(defect.unit.idx())?, ..*defect })
        };
        let mut spec = Self {
            units: self.units.iter().filter_map(unit).collect(),
            defects: self.defects.iter().filter_map(defect).collect(),
            ..self.clone()
        };
        let rated_w = spec.rated_power().0;
        let share = if n_shards == 1 { 1.0 } else { rated_w / self.rated_power().0 };
        if let Some(transformer) = &mut spec.transformer {
            transformer.rated.0 *= share;
        }
        let plant = &mut spec.plant.settings;
        plant.priority =
            plant.priority.iter().filter_map(|idx| place(*idx)).map(UnitId::idx).collect();
        if let Some(response) = &mut plant.frequency_response {
            // Rounding must not lead beyond the rating.
            response.contract_w = response.contract_w.map(|w| (w * share).min(rated_w));
        }
        if let Some(limits) = &mut plant.peak_shaving {
            limits.import_max_w *= share;
            limits.export_max_w *= share;
        }
        spec.shard = Some(Shard {
            index,
            units_per_shard,
            n_shards,
            farm_units,
            first_unit,
            first_rack,
            share,
            names: self.units.iter().map(|unit| unit.name.clone()).collect(),
        });
        Ok(spec)
    }

    /// Whether other processes have units of this farm.
    pub fn is_part(&self) -> bool {
        self.shard.as_ref().is_some_and(|shard| shard.n_shards > 1)
    }

    fn check_uncoupled(&self) -> Result<(), NoShard> {
        let no = |field, reason, hint| Err(NoShard::Coupled { field, reason, hint });
        if matches!(self.grid.kind, GridKind::Inertia(_)) {
            return no(
                "farm.grid.inertia",
                "the power of every unit moves the frequency that all units see",
                "make the grid stiff (`kind = \"stiff\"`) or record its frequency and give it with --frequency; or run the farm in one process",
            );
        }
        if self.grid.short_circuit.is_some() {
            return no(
                "farm.grid.short_circuit_mva",
                "the reactive power of every unit lifts the voltage that all units see",
                "take it out for a stiff voltage, or run the farm in one process",
            );
        }
        if !self.grid.island_loads.is_empty() {
            return no(
                "farm.grid.island_loads",
                "one island of the farm picks them up, and shards would each have one",
                "take them out, or run the farm in one process",
            );
        }
        let shaves =
            |unit: &UnitSpec| unit.design.functions.on_at_start.has(FunctionName::PeakShaving);
        if self.units.iter().any(shaves) {
            return no(
                "units.functions.peak_shaving",
                "units that shave share what the meter at the farm's POI shows",
                "let the plant do it (`[farm.plant.peak_shaving]`, of which each shard keeps its share), or run the farm in one process",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BUILT_IN_FARM, parse_farm};
    use crate::spec::TransformerSpec;

    fn farm(more: &str) -> FarmSpec {
        let text = format!("{BUILT_IN_FARM}\n{more}");
        parse_farm("farm", &text, &|_| unreachable!()).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn shards_have_every_unit_once_with_the_number_and_name_that_it_has_in_the_farm() {
        let whole = farm("");
        for units_per_shard in [1, 3, 4, 10, 11] {
            let mut units = Vec::new();
            for index in 0..whole.n_shards(units_per_shard) {
                let shard = whole.in_shard(index, units_per_shard).expect("it is there");
                assert_eq!(shard.n_racks(), 12 * shard.units.len());
                for (idx, unit) in shard.units.iter().enumerate() {
                    assert_eq!((unit.id.idx(), unit.racks.start), (idx, 12 * idx));
                    assert_eq!(shard.find_unit(&unit.name), Some(unit.id));
                    assert_eq!(shard.find_unit(&unit.id.to_string()), Some(unit.id));
                    units.push((unit.id.number(), unit.name.clone()));
                }
            }
            let expected: Vec<_> =
                whole.units.iter().map(|unit| (unit.id.number(), unit.name.clone())).collect();
            assert_eq!(units, expected, "in shards of {units_per_shard}");
        }
        let second = whole.in_shard(1, 4).expect("it is there");
        assert_eq!(second.unit_numbers().to_string(), "this shard has units 5 to 8");
        let of_second = second.shard.as_ref().expect("a shard");
        let numbers =
            ["9", "unit-002", "11", "unit-011"].map(|name| of_second.number_in_farm(name));
        assert_eq!(numbers, [Some(9), Some(2), None, None]);
        assert_eq!(
            (second.find_unit("4"), second.find_unit("9"), second.find_unit("0")),
            (None, None, None)
        );
    }

    #[test]
    fn a_shard_that_the_farm_does_not_have_is_refused_with_those_that_it_has() {
        let told = |index, k| farm("").in_shard(index, k).expect_err("must be refused").to_string();
        assert_eq!(told(3, 4), "there is no shard 3: 10 units in shards of 4 are 3 shards, 0 to 2");
        assert!(told(0, 0).contains("at least 1 unit"));
    }

    #[test]
    fn what_is_the_farms_is_cut_to_the_share_of_the_rated_power() {
        let whole = farm(
            "[farm.plant.peak_shaving]\nimport_max_kw = 10000\nexport_max_kw = 20000\n\
             [farm.plant.frequency_response]\npreset = \"fcr\"\ncontract_kw = 25000",
        );
        let shard = whole.in_shard(2, 4).expect("it is there");
        assert!((shard.shard.as_ref().expect("a shard").share - 0.2).abs() < 1e-12);
        let va = |spec: &FarmSpec| spec.transformer.as_ref().map(|t: &TransformerSpec| t.rated.0);
        let (of_shard, of_whole) = (va(&shard).expect("one"), va(&whole).expect("one"));
        assert!((of_shard / of_whole - 0.2).abs() < 1e-12);
        let plant = &shard.plant.settings;
        let limits = plant.peak_shaving.expect("given");
        assert!(
            (limits.import_max_w - 2e6).abs() < 1e-3 && (limits.export_max_w - 4e6).abs() < 1e-3
        );
        let contract_w = plant.frequency_response.as_ref().and_then(|r| r.contract_w);
        assert!((contract_w.expect("given") - 5e6).abs() < 1e-3);
    }

    #[test]
    fn defects_and_priorities_of_units_elsewhere_are_left_out() {
        let mut whole =
            farm("[[defects]]\nkind = \"pump\"\nunit = 6\n[[defects]]\nkind = \"pump\"\nunit = 9");
        whole.plant.settings.priority = vec![9, 5, 0, 4];
        let shard = whole.in_shard(1, 4).expect("it is there");
        assert_eq!(shard.defects.len(), 1);
        assert_eq!((shard.defects[0].unit.idx(), shard.defects[0].unit.number()), (1, 6));
        assert_eq!(shard.plant.settings.priority, [1, 0]);
    }

    #[test]
    fn a_farm_whose_units_feel_each_other_is_refused_unless_it_is_one_shard() {
        for (table, field) in [
            ("[farm.grid.inertia]\nrated_mva = 500", "`farm.grid.inertia`"),
            ("[farm.grid]\nshort_circuit_mva = 500", "`farm.grid.short_circuit_mva`"),
            ("[[farm.grid.island_loads]]\nname = \"a\"\nactive_kw = 5", "`farm.grid.island_loads`"),
            (
                "[units.functions]\non = [\"peak_shaving\"]\n[units.functions.peak_shaving]\nimport_max_kw = 5",
                "`units.functions.peak_shaving`",
            ),
        ] {
            let farm = farm(table);
            let told = farm.in_shard(0, 5).expect_err(field).to_string();
            assert!(told.starts_with(field) && told.contains("hint: "), "{told}");
            assert!(farm.in_shard(0, 10).is_ok(), "{field}");
        }
    }
}
