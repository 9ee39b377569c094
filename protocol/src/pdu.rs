//! Protocol data units: what a request asks, or the exception that answers it.
//!
//! Order of the Modbus Application Protocol V1.1b3, section 7: an unsupported function is exception 1
//! whatever follows it; a supported one whose length, quantity or byte count is wrong is exception 3;
//! only then comes the address (exception 2), which the service judges.

use crate::map::Table;

/// Largest protocol data unit: 253 bytes.
pub(crate) const PDU_MAX: usize = 253;

/// Exception 1.
pub(crate) const ILLEGAL_FUNCTION: u8 = 1;
/// Exception 2.
pub(crate) const ILLEGAL_DATA_ADDRESS: u8 = 2;
/// Exception 3.
pub(crate) const ILLEGAL_DATA_VALUE: u8 = 3;
/// Exception 4.
pub(crate) const DEVICE_FAILURE: u8 = 4;
/// Exception 10: gateway path unavailable.
pub(crate) const GATEWAY_PATH: u8 = 10;
/// Exception 11: gateway target device failed to respond.
pub(crate) const GATEWAY_TARGET: u8 = 11;

/// Largest numbers of bits and registers of a request.
const BITS_READ_MAX: u16 = 2000;
const BITS_WRITTEN_MAX: u16 = 1968;
const WORDS_READ_MAX: u16 = 125;
const WORDS_WRITTEN_MAX: u16 = 123;
/// Of function 23.
const WORDS_WRITTEN_AND_READ_MAX: u16 = 121;

/// A well-formed request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    /// Functions 1 and 2, 3 and 4.
    Read { table: Table, address: u16, count: u16 },
    /// Functions 5, 6, 15, 16: one word for each register or bit.
    Write { table: Table, address: u16, words: Vec<u16> },
    /// Function 22.
    Mask { address: u16, and: u16, or: u16 },
    /// Function 23: writes, then reads.
    WriteAndRead { write: u16, words: Vec<u16>, read: u16, count: u16 },
    /// Function 43/14: code and first object.
    Identify { code: u8, object: u8 },
}

/// Parses a PDU of a device that serves `functions`, one bit for each code.
///
/// # Errors
/// The exception that answers it.
pub(crate) fn parse(pdu: &[u8], functions: u64) -> Result<Ask, u8> {
    // An empty PDU has no function code to answer; the frame's length keeps it out.
    let (code, data) = pdu.split_first().ok_or(ILLEGAL_FUNCTION)?;
    if *code >= 64 || functions & 1 << code == 0 {
        return Err(ILLEGAL_FUNCTION);
    }
    if pdu.len() > PDU_MAX {
        return Err(ILLEGAL_DATA_VALUE);
    }
    // The list of the functions that are served anywhere.
    match code {
        1 => read(Table::Coil, data, BITS_READ_MAX),
        2 => read(Table::Discrete, data, BITS_READ_MAX),
        3 => read(Table::Holding, data, WORDS_READ_MAX),
        4 => read(Table::Input, data, WORDS_READ_MAX),
        5 => write_coil(data),
        6 => write_word(data),
        15 => write_coils(data),
        16 => write_words(data),
        22 => mask(data),
        23 => write_and_read(data),
        43 => identify(data),
        _ => Err(ILLEGAL_FUNCTION),
    }
}

/// Whether a function writes.
pub(crate) fn writes(function: u8) -> bool {
    matches!(function, 5 | 6 | 15 | 16 | 22 | 23)
}

/// What a PDU of a function that writes would write, as far as it says: table, first register or bit, words;
/// no words where it is malformed. `None` for functions that do not write.
pub(crate) fn written(pdu: &[u8]) -> Option<(Table, u16, Vec<u16>)> {
    let (table, at) = match pdu.first()? {
        5 | 15 => (Table::Coil, 1),
        6 | 16 | 22 => (Table::Holding, 1),
        23 => (Table::Holding, 5),
        _ => return None,
    };
    let address = pdu.get(at..at + 2).map_or(0, |bytes| word(bytes, 0));
    let words = match parse(pdu, u64::MAX) {
        Ok(Ask::Write { words, .. } | Ask::WriteAndRead { words, .. }) => words,
        // What it would come to depends on what is there.
        _ => Vec::new(),
    };
    Some((table, address, words))
}

/// The ranges of registers or bits that a PDU touches, first and last, as far as it says; for
/// conditions that apply to some.
pub(crate) fn ranges(pdu: &[u8]) -> Vec<(u16, u16)> {
    let range = |at: usize, count_at: Option<usize>| {
        let from = pdu.get(at..at + 2).map(|bytes| word(bytes, 0))?;
        let count = match count_at {
            Some(at) => word(pdu.get(at..at + 2)?, 0),
            None => 1,
        };
        Some((from, from.saturating_add(count.saturating_sub(1))))
    };
    let ranges = match pdu.first() {
        Some(1..=4 | 15 | 16) => [range(1, Some(3)), None],
        Some(5 | 6 | 22) => [range(1, None), None],
        Some(23) => [range(1, Some(3)), range(5, Some(7))],
        _ => [None, None],
    };
    ranges.into_iter().flatten().collect()
}

fn word(data: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([data[at], data[at + 1]])
}

fn words(data: &[u8]) -> Vec<u16> {
    data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

fn exactly(data: &[u8], length: usize) -> Result<(), u8> {
    if data.len() == length { Ok(()) } else { Err(ILLEGAL_DATA_VALUE) }
}

fn counted(count: u16, max: u16) -> Result<u16, u8> {
    if (1..=max).contains(&count) { Ok(count) } else { Err(ILLEGAL_DATA_VALUE) }
}

fn read(table: Table, data: &[u8], max: u16) -> Result<Ask, u8> {
    exactly(data, 4)?;
    Ok(Ask::Read { table, address: word(data, 0), count: counted(word(data, 2), max)? })
}

fn write_coil(data: &[u8]) -> Result<Ask, u8> {
    exactly(data, 4)?;
    let on = match word(data, 2) {
        0 => 0,
        0xFF00 => 1,
        _ => return Err(ILLEGAL_DATA_VALUE),
    };
    Ok(Ask::Write { table: Table::Coil, address: word(data, 0), words: vec![on] })
}

fn write_word(data: &[u8]) -> Result<Ask, u8> {
    exactly(data, 4)?;
    Ok(Ask::Write { table: Table::Holding, address: word(data, 0), words: vec![word(data, 2)] })
}

/// The bytes after address, quantity and byte count, which must agree.
fn block(data: &[u8], at: usize, count_max: u16, bytes: fn(usize) -> usize) -> Result<&[u8], u8> {
    let [_, _, _, _, n, rest @ ..] = data.get(at..).unwrap_or_default() else {
        return Err(ILLEGAL_DATA_VALUE);
    };
    let count = counted(word(data, at + 2), count_max)?;
    if usize::from(*n) == bytes(usize::from(count)) && rest.len() == usize::from(*n) {
        Ok(rest)
    } else {
        Err(ILLEGAL_DATA_VALUE)
    }
}

fn write_coils(data: &[u8]) -> Result<Ask, u8> {
    let bits = block(data, 0, BITS_WRITTEN_MAX, |count| count.div_ceil(8))?;
    let bit = |at: usize| u16::from(bits[at / 8] >> (at % 8) & 1);
    let words = (0..usize::from(word(data, 2))).map(bit).collect();
    Ok(Ask::Write { table: Table::Coil, address: word(data, 0), words })
}

fn write_words(data: &[u8]) -> Result<Ask, u8> {
    let bytes = block(data, 0, WORDS_WRITTEN_MAX, |count| 2 * count)?;
    Ok(Ask::Write { table: Table::Holding, address: word(data, 0), words: words(bytes) })
}

fn mask(data: &[u8]) -> Result<Ask, u8> {
    exactly(data, 6)?;
    Ok(Ask::Mask { address: word(data, 0), and: word(data, 2), or: word(data, 4) })
}

fn write_and_read(data: &[u8]) -> Result<Ask, u8> {
    let bytes = block(data, 4, WORDS_WRITTEN_AND_READ_MAX, |count| 2 * count)?;
    let count = counted(word(data, 2), WORDS_READ_MAX)?;
    let (read, write) = (word(data, 0), word(data, 4));
    Ok(Ask::WriteAndRead { write, words: words(bytes), read, count })
}

/// MEI type of the identification of a device.
pub(crate) const MEI_IDENTIFY: u8 = 14;

fn identify(data: &[u8]) -> Result<Ask, u8> {
    // Another MEI type is another function.
    if data.first().is_some_and(|kind| *kind != MEI_IDENTIFY) {
        return Err(ILLEGAL_FUNCTION);
    }
    exactly(data, 3)?;
    let (code, object) = (data[1], data[2]);
    if (1..=4).contains(&code) {
        Ok(Ask::Identify { code, object })
    } else {
        Err(ILLEGAL_DATA_VALUE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: u64 = u64::MAX;

    #[test]
    fn a_well_formed_request_of_each_function_is_understood() {
        let read = |table, address, count| Ask::Read { table, address, count };
        let write =
            |table, address, words: &[u16]| Ask::Write { table, address, words: words.to_vec() };
        for (pdu, ask) in [
            (&[1, 0, 1, 7, 0xD0][..], read(Table::Coil, 1, 2000)),
            (&[2, 0, 1, 0, 1], read(Table::Discrete, 1, 1)),
            (&[3, 0, 0, 0, 125], read(Table::Holding, 0, 125)),
            (&[4, 0xFF, 0xFF, 0, 2], read(Table::Input, 0xFFFF, 2)),
            (&[5, 0, 9, 0xFF, 0], write(Table::Coil, 9, &[1])),
            (&[5, 0, 9, 0, 0], write(Table::Coil, 9, &[0])),
            (&[6, 0, 1, 0xFF, 0xFF], write(Table::Holding, 1, &[0xFFFF])),
            // The example of the specification: 10 coils.
            (
                &[15, 0, 19, 0, 10, 2, 0xCD, 1],
                write(Table::Coil, 19, &[1, 0, 1, 1, 0, 0, 1, 1, 1, 0]),
            ),
            (&[16, 0, 0, 0, 2, 4, 1, 2, 3, 4], write(Table::Holding, 0, &[0x102, 0x304])),
            (&[22, 0, 4, 0, 0xF2, 0, 0x25], Ask::Mask { address: 4, and: 0xF2, or: 0x25 }),
            (
                &[23, 0, 3, 0, 6, 0, 14, 0, 1, 2, 0, 0xFF],
                Ask::WriteAndRead { write: 14, words: vec![0xFF], read: 3, count: 6 },
            ),
            (&[43, 14, 1, 0], Ask::Identify { code: 1, object: 0 }),
        ] {
            assert_eq!(parse(pdu, ALL), Ok(ask), "{pdu:?}");
        }
    }

    #[test]
    fn wrong_lengths_quantities_and_byte_counts_are_exception_3() {
        for pdu in [
            &[3, 0, 0][..],
            &[3],
            &[3, 0, 0, 0, 1, 0, 0],
            &[3, 0, 0, 0, 0],
            &[3, 0, 0, 0, 126],
            &[4, 0, 0, 0xFF, 0xFF],
            &[1, 0, 0, 0, 0],
            &[1, 0, 0, 7, 0xD1],
            &[5, 0, 0, 0xFF, 1],
            &[5, 0, 0, 0, 1],
            &[6, 0, 0, 0],
            &[6, 0, 0, 0, 0, 0],
            &[15, 0, 0, 0, 0, 0],
            &[15, 0, 0, 0, 16, 1, 0xFF],
            &[15, 0, 0, 0, 3, 2, 0xFF, 0xFF],
            &[15, 0, 0, 0, 10, 2, 0xFF],
            // More coils than bytes.
            &[15, 0, 0, 0xFF, 0xFF, 1, 0],
            &[16, 0, 0, 0, 0, 0],
            &[16, 0, 0, 0, 2, 3, 1, 2, 3],
            &[16, 0, 0, 0, 2, 4, 1, 2, 3],
            &[16, 0, 0, 0, 2, 2, 1, 2],
            &[16, 0, 0, 0, 124, 248],
            // 2 x quantity wraps to 0 in 16 bits.
            &[16, 0, 0, 0x80, 0, 0],
            &[22, 0, 0, 0, 0, 0],
            &[23, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0],
            &[23, 0, 0, 0, 126, 0, 0, 0, 1, 2, 0, 0],
            &[23, 0, 0, 0, 1, 0, 0, 0, 0, 0],
            &[23, 0, 0, 0, 1, 0, 0, 0, 2, 2, 0, 0],
            &[43],
            &[43, 14, 1],
            &[43, 14, 0, 0],
            &[43, 14, 5, 0],
        ] {
            assert_eq!(parse(pdu, ALL), Err(ILLEGAL_DATA_VALUE), "{pdu:?}");
        }
    }

    #[test]
    fn an_unsupported_function_is_exception_1_however_malformed_it_is() {
        for pdu in [&[0][..], &[7], &[24, 0, 0], &[43, 0x55], &[63], &[0x83, 2], &[255]] {
            assert_eq!(parse(pdu, ALL), Err(ILLEGAL_FUNCTION), "{pdu:?}");
        }
        // One that this device does not have.
        assert_eq!(parse(&[15, 0, 0, 0xFF, 0xFF, 1, 0], 1 << 3), Err(ILLEGAL_FUNCTION));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_a_panic(
            code in prop_oneof![1u8..7, 15u8..24, Just(43u8), any::<u8>()],
            data in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut pdu = vec![code];
            pdu.extend(data);
            let _ = parse(&pdu, ALL);
        }
    }
}
