//! Where registers are: addresses as manuals number them, and the tables that they stand in.

use super::head::tables;
use super::{Context, FaceReader};
use bess_core::config::{Literal, Section, Shape};
use bess_core::point::Table;

/// What addresses count from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The first register of the table.
    Address,
    /// The id of a SunSpec model.
    Model,
}

impl Origin {
    /// The key that holds it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Model => "at",
        }
    }
}

/// Where a value stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// From 0.
    pub(super) address: u32,
    pub(super) tables: Vec<Table>,
}

/// Highest number that a manual gives to a register.
const NUMBER_MAX: u64 = 465_536;

impl FaceReader<'_> {
    /// The register at `key`, from 0, with the table that its first digit names.
    pub(super) fn address(
        &self,
        section: &Section<'_, '_>,
        key: &'static str,
    ) -> Option<(u32, Option<Table>)> {
        let options = self.options;
        if options.is_prefixed {
            let number = section.integer(key, 1, NUMBER_MAX) as u32;
            let found = unprefixed(number);
            if found.is_none() && section.has(key) {
                let message =
                    format!("`{}` is no number of a register: {number}", section.name(key));
                let hint = "coils are 1 to 9999, discrete inputs from 10001 or 100001, input \
                            registers from 30001 or 300001, holding registers from 40001 or 400001";
                section.report(section.span_of(key), message, Some(hint.to_owned()));
            }
            let (address, table) = found?;
            return Some((address, Some(table)));
        }
        let base = options.address_base;
        let number = section.integer(key, base.into(), u64::from(u16::MAX) + u64::from(base));
        section.has(key).then(|| (number as u32 - base, None))
    }

    /// Where the value that `section` describes stands.
    pub(super) fn place(&self, section: &Section<'_, '_>, origin: Origin) -> Option<Place> {
        if origin == Origin::Model {
            let why = "has no meaning in a model, which stands in the tables of the map";
            section.refuse("table", why, "leave it out");
            section.refuse("tables", why, "leave it out");
            let address = section.integer("at", 2, 1_000) as u32;
            return Some(Place { address, tables: vec![Table::Holding] });
        }
        let named = tables(section, "table", "tables");
        let (address, by_number) = self.address(section, "address")?;
        let tables = match (named, by_number) {
            (Some(named), Some(by_number)) if !named.contains(&by_number) => {
                let message = format!("the number is one of the table {}", by_number.name());
                section.report(section.span_of("address"), message, None);
                named
            }
            (Some(named), _) => named,
            (None, Some(by_number)) => vec![by_number],
            (None, None) => self.options.tables.clone(),
        };
        Some(Place { address, tables })
    }

    /// The registers from `from` to `to` with their tables.
    pub(super) fn range(&self, section: &Section<'_, '_>) -> Option<(u16, u16, Vec<Table>)> {
        let named = tables(section, "table", "tables");
        let (from, by_number) = self.address(section, "from")?;
        let to = if section.has("to") { self.address(section, "to")?.0 } else { from };
        if to < from {
            let message = format!("`{}` must not be below `from`", section.name("to"));
            section.report(section.span_of("to"), message, None);
            return None;
        }
        let of_number = by_number.map(|table| vec![table]);
        let tables = named.or(of_number).unwrap_or_else(|| self.options.tables.clone());
        Some((from as u16, to as u16, tables))
    }
}

/// The register from 0 and the table of a number with the table in its first digit.
pub(super) fn unprefixed(number: u32) -> Option<(u32, Table)> {
    const LONGEST: u32 = 65_536;
    let (first, table) = match number {
        1..=9_999 => (1, Table::Coil),
        10_001..=19_999 => (10_001, Table::Discrete),
        30_001..=39_999 => (30_001, Table::Input),
        40_001..=49_999 => (40_001, Table::Holding),
        100_001.. if number < 100_001 + LONGEST => (100_001, Table::Discrete),
        300_001.. if number < 300_001 + LONGEST => (300_001, Table::Input),
        400_001.. if number < 400_001 + LONGEST => (400_001, Table::Holding),
        _ => return None,
    };
    Some((number - first, table))
}

/// Whether what `section` describes is there in the firmware of the map.
pub(super) fn is_there(section: &Section<'_, '_>, context: &Context) -> bool {
    let Some(when) = section.section("when") else { return true };
    let wanted = match when.shape("firmware") {
        Shape::Array => when.texts("firmware"),
        _ => match when.literal("firmware") {
            Some(Literal::Text(text)) => vec![text],
            Some(_) => {
                let message = "`firmware` must be a name in quotes, or a list of them".to_owned();
                when.report(when.span_of("firmware"), message, None);
                Vec::new()
            }
            None => {
                let message = "`when` needs `firmware`, the firmwares that have it".to_owned();
                when.report(when.span(), message, None);
                Vec::new()
            }
        },
    };
    let is_there = context.firmware.as_ref().is_none_or(|of_map| wanted.contains(of_map));
    if context.firmware.is_none() {
        let message = "`when` asks for a firmware, but the map has none".to_owned();
        let hint = "write `firmware = \"...\"` in `[map]`".to_owned();
        when.report(when.span(), message, Some(hint));
    }
    when.finish();
    is_there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_manuals_name_their_table_by_the_first_digit() {
        for (number, found) in [
            (1, Some((0, Table::Coil))),
            (9_999, Some((9_998, Table::Coil))),
            (10_000, None),
            (10_001, Some((0, Table::Discrete))),
            (20_001, None),
            (30_775, Some((774, Table::Input))),
            (40_001, Some((0, Table::Holding))),
            (49_999, Some((9_998, Table::Holding))),
            (50_000, None),
            (165_536, Some((65_535, Table::Discrete))),
            (300_001, Some((0, Table::Input))),
            (465_536, Some((65_535, Table::Holding))),
            (465_537, None),
        ] {
            assert_eq!(unprefixed(number), found, "{number}");
        }
    }
}
