//! The checker of protocol data units: what may reach tokio-modbus, and the exception for the rest.
//!
//! Order of the Modbus Application Protocol V1.1b3, section 7: an unsupported function is exception 1
//! whatever follows it; a supported one whose length, quantity or byte count is wrong is exception 3;
//! only then comes the address (exception 2), which the service judges. tokio-modbus closes the
//! connection or panics on most of what is refused here.

/// Largest protocol data unit: 253 bytes.
pub(crate) const PDU_MAX: usize = 253;

/// Exception 1.
pub(crate) const ILLEGAL_FUNCTION: u8 = 1;
/// Exception 3.
pub(crate) const ILLEGAL_DATA_VALUE: u8 = 3;

/// A function code that the server serves, with the check of what follows the code.
struct Function {
    code: u8,
    is_well_formed: fn(&[u8]) -> bool,
}

/// Serving one more function is one more row, and an arm in the service.
const FUNCTIONS: &[Function] = &[
    Function {
        code: 3,
        is_well_formed: |data| data.len() == 4 && (1..=125).contains(&word(data, 2)),
    },
    Function {
        code: 4,
        is_well_formed: |data| data.len() == 4 && (1..=125).contains(&word(data, 2)),
    },
    Function { code: 6, is_well_formed: |data| data.len() == 4 },
    Function {
        code: 16,
        is_well_formed: |data| {
            data.len() >= 5
                && (1..=123).contains(&word(data, 2))
                && usize::from(data[4]) == 2 * usize::from(word(data, 2))
                && data.len() == 5 + usize::from(data[4])
        },
    },
];

/// Passes a PDU on, or names the exception that answers it. An empty PDU has no function code to
/// answer; the frame's length keeps it out.
pub(crate) fn check(pdu: &[u8]) -> Result<(), u8> {
    let (code, data) = pdu.split_first().ok_or(ILLEGAL_FUNCTION)?;
    let function =
        FUNCTIONS.iter().find(|function| function.code == *code).ok_or(ILLEGAL_FUNCTION)?;
    if pdu.len() <= PDU_MAX && (function.is_well_formed)(data) {
        Ok(())
    } else {
        Err(ILLEGAL_DATA_VALUE)
    }
}

fn word(data: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([data[at], data[at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_well_formed_request_of_each_function_passes() {
        for pdu in [
            &[3, 0, 0, 0, 125][..],
            &[4, 0xFF, 0xFF, 0, 2],
            &[6, 0, 1, 0xFF, 0xFF],
            &[16, 0, 0, 0, 2, 4, 1, 2, 3, 4],
        ] {
            assert_eq!(check(pdu), Ok(()), "{pdu:?}");
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
            &[6, 0, 0, 0],
            &[6, 0, 0, 0, 0, 0],
            &[16, 0, 0, 0, 0, 0],
            &[16, 0, 0, 0, 2, 3, 1, 2, 3],
            &[16, 0, 0, 0, 2, 4, 1, 2, 3],
            &[16, 0, 0, 0, 2, 2, 1, 2],
            &[16, 0, 0, 0, 124, 248],
            // 2 x quantity wraps to 0 in 16 bits.
            &[16, 0, 0, 0x80, 0, 0],
        ] {
            assert_eq!(check(pdu), Err(ILLEGAL_DATA_VALUE), "{pdu:?}");
        }
    }

    #[test]
    fn an_unsupported_function_is_exception_1_however_malformed_it_is() {
        for pdu in [&[0][..], &[15, 0, 0, 0xFF, 0xFF, 1, 0], &[7], &[43, 0x55], &[0x83, 2], &[255]]
        {
            assert_eq!(check(pdu), Err(ILLEGAL_FUNCTION), "{pdu:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_a_panic(
            code in prop_oneof![Just(3u8), Just(4), Just(6), Just(16), any::<u8>()],
            data in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut pdu = vec![code];
            pdu.extend(data);
            let _ = check(&pdu);
        }
    }
}
