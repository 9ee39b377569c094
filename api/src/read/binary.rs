//! Columns of 32-bit numbers behind a head that says what they are; `docs/rest.md` shows how to read it.
//!
//! Everything is little-endian. The head: the eight bytes `BESSCOL1`; the length of the head in bytes and the
//! number of the unit (u32); tick, publication and simulated instant in Unix nanoseconds (u64, u64, i64);
//! numbers of racks, of cells in a rack, of columns, and a zero (u32); the numbers of the racks (u32); the
//! names of the columns, 32 bytes each, filled up with zeros; zeros up to a multiple of eight. Then column
//! after column, rack after rack, cell after cell, an IEEE 754 single each; not a number is what is not
//! available.

use bess_core::snapshot::Snapshot;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// For the document: bytes.
#[derive(Debug)]
pub(crate) struct Packed;

impl PartialSchema for Packed {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .description(Some("Columns of numbers; `docs/rest.md` has the table of its head."))
            .into()
    }
}
impl ToSchema for Packed {}

/// What the bytes begin with.
const MAGIC: &[u8; 8] = b"BESSCOL1";
/// Bytes of the name of a column.
const NAME_LEN: usize = 32;

/// Columns over the cells of some racks of a unit.
#[derive(Debug)]
pub(crate) struct Columns<'c> {
    /// Number of the unit.
    pub(crate) unit: u32,
    /// Numbers of the racks.
    pub(crate) racks: &'c [u32],
    pub(crate) cells_per_rack: usize,
    /// Name, and values of all racks of the unit.
    pub(crate) columns: &'c [(&'static str, &'c [f32])],
}

impl Columns<'_> {
    /// The values of a column that are those of these racks.
    pub(crate) fn of_racks<'v>(&self, values: &'v [f32]) -> impl Iterator<Item = &'v [f32]> {
        let length = self.cells_per_rack;
        self.racks.iter().map(move |number| {
            let from = (*number as usize - 1) * length;
            &values[from..from + length]
        })
    }

    /// As bytes.
    pub(crate) fn encode(&self, snapshot: &Snapshot) -> Vec<u8> {
        let n_cells = self.racks.len() * self.cells_per_rack;
        let head_len = 56 + 4 * self.racks.len() + NAME_LEN * self.columns.len();
        let head_len = head_len.next_multiple_of(8);
        let mut bytes = Vec::with_capacity(head_len + 4 * n_cells * self.columns.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(head_len as u32).to_le_bytes());
        bytes.extend_from_slice(&self.unit.to_le_bytes());
        bytes.extend_from_slice(&snapshot.tick.0.to_le_bytes());
        bytes.extend_from_slice(&snapshot.publication.to_le_bytes());
        bytes.extend_from_slice(&snapshot.time.unix_ns.to_le_bytes());
        for number in [self.racks.len(), self.cells_per_rack, self.columns.len(), 0] {
            bytes.extend_from_slice(&(number as u32).to_le_bytes());
        }
        self.racks.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        for (name, _) in self.columns {
            let mut padded = [0; NAME_LEN];
            let length = name.len().min(NAME_LEN);
            padded[..length].copy_from_slice(&name.as_bytes()[..length]);
            bytes.extend_from_slice(&padded);
        }
        bytes.resize(head_len, 0);
        for (_, values) in self.columns {
            for value in self.of_racks(values).flatten() {
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn the_head_says_what_the_columns_are_and_where_they_begin() {
        let snapshot = testing::snapshot_with(1);
        let values: Vec<f32> = (0..6).map(|n| n as f32).collect();
        let columns = Columns {
            unit: 3,
            racks: &[3, 1],
            cells_per_rack: 2,
            columns: &[("soc", &values), ("truth.voltage_v", &values)],
        };
        let bytes = columns.encode(&snapshot);
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!(&bytes[..8], b"BESSCOL1");
        let head = u32_at(8) as usize;
        assert_eq!((head, u32_at(12)), (56 + 8 + 64, 3));
        assert_eq!((u64_at(16), u64_at(24)), (snapshot.tick.0, snapshot.publication));
        assert_eq!(u64_at(32) as i64, snapshot.time.unix_ns);
        assert_eq!([40, 44, 48, 52].map(u32_at), [2, 2, 2, 0]);
        assert_eq!([56, 60].map(u32_at), [3, 1]);
        assert_eq!(&bytes[64..68], b"soc\0");
        assert_eq!(&bytes[96..111], b"truth.voltage_v");
        let data: Vec<f32> = bytes[head..]
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
            .collect();
        assert_eq!(data, [4.0, 5.0, 0.0, 1.0, 4.0, 5.0, 0.0, 1.0]);
    }

    #[test]
    fn the_columns_begin_at_a_multiple_of_eight_and_what_is_no_number_stays_none() {
        let columns =
            Columns { unit: 1, racks: &[1], cells_per_rack: 1, columns: &[("soc", &[f32::NAN])] };
        let bytes = columns.encode(&testing::snapshot_with(1));
        assert_eq!(bytes.len(), 96 + 4);
        assert!(f32::from_le_bytes(bytes[96..].try_into().unwrap()).is_nan());
    }
}
