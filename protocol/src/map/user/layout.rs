//! A map file laid out for one design of unit, or for the plant of a farm.

use super::chain::Misfit;
use super::{Also, Face, MapFile, Origin, Placed, Shows};
use crate::map::layout::{Field, Item, Layout, Parts};
use crate::map::points::Level;
use crate::map::{PointDoc, Profile, compact, describe_layout, sunspec};
use bess_core::UnitId;
use bess_core::config::Problems;
use bess_core::control::WatchdogChange;
use bess_core::point::Table;
use bess_core::spec::{FarmSpec, UnitDesign};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Whose registers are laid out.
#[derive(Clone, Copy)]
enum Subject<'s> {
    Unit(&'s UnitDesign),
    Plant(&'s FarmSpec),
}

impl Subject<'_> {
    fn compact(self) -> Vec<Field> {
        compact::fields(match self {
            Self::Unit(_) => compact::Level::Unit,
            Self::Plant(_) => compact::Level::Plant,
        })
    }
    fn chain(self, profile: Profile) -> sunspec::Chain {
        match self {
            Self::Unit(design) => sunspec::unit_chain(design, profile),
            Self::Plant(spec) => sunspec::plant_chain(spec),
        }
    }
}

impl MapFile {
    /// The layout for units of this design.
    ///
    /// # Errors
    /// What does not fit the design: registers that what is included shares with others, models that the
    /// unit has not, a power of the watch beyond its rating; or that it is a map of the plant.
    pub(crate) fn layout(&self, design: &UnitDesign) -> Result<Layout, Problems> {
        if self.level == Level::Plant {
            return Err(self.wrong_level("a map of the plant cannot stand for a unit"));
        }
        if let Some((settings, span)) = &self.watchdog
            && let Err(rejection) = WatchdogChange::from(*settings).check(design.pcs.rated_power.0)
        {
            return Err(Problems(vec![self.origin.problem(span, rejection.to_string(), None)]));
        }
        lay_out(&self.face, &self.origin, Subject::Unit(design))
    }

    /// The layout for the plant of this farm.
    ///
    /// # Errors
    /// As [`MapFile::layout`].
    pub(crate) fn layout_of_plant(&self, spec: &FarmSpec) -> Result<Layout, Problems> {
        if self.level == Level::Unit {
            return Err(self.wrong_level("a map of units cannot stand for the plant"));
        }
        lay_out(&self.face, &self.origin, Subject::Plant(spec))
    }

    fn wrong_level(&self, message: &str) -> Problems {
        let hint = "write `level = \"unit\"` or `level = \"plant\"` in `[map]`".to_owned();
        Problems(vec![self.origin.problem(&(0..0), message.to_owned(), Some(hint))])
    }

    /// Checks the map against every design of the farm, with what it shows under further unit ids.
    ///
    /// # Errors
    /// All that does not fit.
    pub fn check(&self, spec: &FarmSpec) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let mut note = |result: Result<(), Problems>| {
            if let Err(mut found) = result {
                found.0.retain(|problem| !problems.0.contains(problem));
                problems.0.append(&mut found.0);
            }
        };
        if self.level == Level::Plant {
            note(self.layout_of_plant(spec).map(drop));
            for also in &self.also {
                note(also.lay_out(Subject::Plant(spec)).map(drop));
            }
        } else {
            let mut known: Vec<&Arc<UnitDesign>> = Vec::new();
            for unit in &spec.units {
                if known.iter().any(|design| Arc::ptr_eq(design, &unit.design)) {
                    continue;
                }
                known.push(&unit.design);
                note(self.layout(&unit.design).map(drop));
                for also in &self.also {
                    note(also.layout(&unit.design).map(drop));
                }
            }
        }
        if problems.0.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The values of the map for one unit, or for the plant, and of what the device shows under further
    /// unit ids, table by table.
    ///
    /// # Errors
    /// As [`MapFile::check`], for this unit.
    pub fn document(&self, spec: &FarmSpec, unit: UnitId) -> Result<Vec<PointDoc>, Problems> {
        let design = spec.units.get(unit.idx()).map(|unit| &*unit.design);
        let subject = match (self.level, design) {
            (Level::Unit, Some(design)) => Subject::Unit(design),
            _ => Subject::Plant(spec),
        };
        let own = match subject {
            Subject::Unit(design) => self.layout(design),
            Subject::Plant(spec) => self.layout_of_plant(spec),
        };
        let mut rows = describe_layout(&own?);
        for also in &self.also {
            let of_device = describe_layout(&also.lay_out(subject)?).into_iter();
            rows.extend(of_device.map(|row| PointDoc { device: also.name.clone(), ..row }));
        }
        Ok(rows)
    }
}

impl Also {
    /// The layout for units of this design.
    ///
    /// # Errors
    /// As [`MapFile::layout`].
    pub(crate) fn layout(&self, design: &UnitDesign) -> Result<Layout, Problems> {
        self.lay_out(Subject::Unit(design))
    }

    fn lay_out(&self, subject: Subject<'_>) -> Result<Layout, Problems> {
        match &self.shows {
            Shows::Face(face, origin) => lay_out(face, origin, subject),
            Shows::Standard { compact, sunspec } => {
                let mut fields = if *compact { subject.compact() } else { Vec::new() };
                let chain = sunspec.then(|| subject.chain(Profile::Standard));
                let cells = chain.as_ref().and_then(|chain| chain.cells);
                fields.extend(chain.into_iter().flat_map(|chain| chain.fields));
                let holding = fields.into_iter().map(Item::Field).collect();
                Ok(Layout::of(Parts { holding, cells, ..Parts::default() }))
            }
        }
    }
}

fn included(fields: Vec<Field>, span: &Range<usize>) -> impl Iterator<Item = Placed> {
    fields.into_iter().map(|field| Placed {
        table: Table::Holding,
        label: field.about.name.clone(),
        item: Item::Field(field),
        span: span.clone(),
        is_cell: false,
    })
}

fn lay_out(face: &Face, origin: &Origin, subject: Subject<'_>) -> Result<Layout, Problems> {
    let mut problems = Problems::default();
    let mut report = |(span, message, hint): Misfit| {
        problems.0.push(origin.problem(&span, message, hint));
    };
    let mut standard = Vec::new();
    if let Some(span) = &face.compact {
        standard.extend(included(subject.compact(), span));
    }
    if let Some(chain) = &face.chain {
        match chain.lay_out(subject.chain(chain.profile)) {
            Ok(placed) => standard.extend(placed),
            Err(misfits) => misfits.into_iter().for_each(&mut report),
        }
    }
    let mut placed = face.items.clone();
    for table in face.tables.iter().filter(|table| table.has_words()) {
        placed.extend(standard.iter().map(|of| Placed { table: *table, ..of.clone() }));
    }
    overlaps(&placed).into_iter().for_each(&mut report);
    if !problems.0.is_empty() {
        problems.0.dedup();
        return Err(problems);
    }
    tell_apart(&mut placed, &face.name);
    let cells = placed.iter().filter(|placed| placed.is_cell);
    let cells = cells.map(|placed| (placed.item.address(), placed.item.end() as u16 - 1));
    let cells = cells.reduce(|(from, to), (first, last)| (from.min(first), to.max(last)));
    let is_mirror = is_mirror(&placed);
    let items = |table: Table| {
        let of_table = placed.iter().filter(|placed| placed.table == table);
        of_table.map(|placed| placed.item.clone()).collect::<Vec<_>>()
    };
    Ok(Layout::of(Parts {
        holding: items(Table::Holding),
        input: (!is_mirror).then(|| items(Table::Input)),
        coils: items(Table::Coil),
        discrete: items(Table::Discrete),
        rules: face.rules,
        traps: face.traps.clone(),
        refresh: face.refresh.clone(),
        memory_len: face.memory_len,
        initial: face.initial.clone(),
        cells,
        identity: face.identity.clone(),
    }))
}

/// Adds the register to names that a map has several times: points are forced and audited by name.
fn tell_apart(placed: &mut [Placed], map: &str) {
    let mut places: BTreeMap<String, Vec<u16>> = BTreeMap::new();
    for placed in placed.iter() {
        let addresses = places.entry(placed.label.clone()).or_default();
        let address = placed.item.address();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    for placed in placed {
        if places.get(&placed.label).is_some_and(|addresses| addresses.len() > 1)
            && let Item::Field(field) = &mut placed.item
            && field.about.map == map
        {
            field.about.name = format!("{}@{}", placed.label, field.address);
        }
    }
}

/// Whether both tables of words hold the same.
fn is_mirror(placed: &[Placed]) -> bool {
    let of_table = |table: Table| {
        let items = placed.iter().filter(move |placed| placed.table == table);
        let mut keys: Vec<_> =
            items.map(|of| (of.item.address(), of.item.end(), of.span.start)).collect();
        keys.sort_unstable();
        keys
    };
    of_table(Table::Holding) == of_table(Table::Input)
}

/// Registers that belong to two, told at the later of both.
pub(super) fn overlaps(placed: &[Placed]) -> Vec<Misfit> {
    let mut sorted: Vec<&Placed> = placed.iter().collect();
    sorted.sort_by_key(|placed| (placed.table, placed.item.address(), placed.span.start));
    let mut misfits = Vec::new();
    let mut widest: Option<&Placed> = None;
    for placed in sorted {
        if let Some(before) = widest.filter(|before| before.table == placed.table)
            && before.item.end() > u32::from(placed.item.address())
        {
            let (earlier, later) = if before.span.start <= placed.span.start {
                (before, placed)
            } else {
                (placed, before)
            };
            let message =
                format!("{} shares registers with {}", words_of(later), words_of(earlier));
            // Of a whole map that lies over another, the first place tells enough.
            if misfits.iter().all(|(span, _, _): &Misfit| *span != later.span) {
                let hint = "move one of them, or give it another `table`".to_owned();
                misfits.push((later.span.clone(), message, Some(hint)));
            }
        }
        if widest.is_none_or(|before| {
            before.table != placed.table || before.item.end() < placed.item.end()
        }) {
            widest = Some(placed);
        }
    }
    misfits
}

/// A value with its registers, for people.
pub(super) fn words_of(placed: &Placed) -> String {
    let (from, end) = (placed.item.address(), placed.item.end());
    let table = placed.table.name();
    let last = end - 1;
    if last == u32::from(from) {
        format!("{} at {table} {from}", placed.label)
    } else {
        format!("{} at {table} {from} to {last}", placed.label)
    }
}
