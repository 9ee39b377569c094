//! What a device says of itself by function 43/14: the basic and the regular objects.

use crate::device::Device;
use crate::pdu::{ILLEGAL_DATA_ADDRESS, MEI_IDENTIFY, PDU_MAX};
use bess_core::device::Part;
use bess_core::spec::FarmSpec;

/// Objects of the stream "basic": vendor, product code, revision.
const LAST_BASIC: u8 = 2;
/// Objects of the stream "regular": vendor's address, product name, model name, name of the application.
const LAST_REGULAR: u8 = 6;
/// Regular identification, by stream and one by one.
const CONFORMITY: u8 = 0x82;
/// Bytes before the first object.
const HEAD: usize = 7;

/// Object ids with their texts, of a device that has no identity of its own.
fn of_unit(device: &Device, spec: &FarmSpec) -> Vec<(u8, String)> {
    let unit = device.unit.and_then(|unit| spec.units.get(unit.idx()));
    let (vendor, model, name) = match unit {
        Some(unit) => {
            (unit.design.manufacturer.as_str(), unit.design.model.as_str(), unit.name.as_str())
        }
        None => ("bess", "plant", spec.name.as_str()),
    };
    let code = if device.part == Part::Whole { "bess" } else { device.part.name() };
    let texts = [vendor, code, env!("CARGO_PKG_VERSION"), "", "bess", model, name];
    (0..).zip(texts).map(|(id, text)| (id, text.to_owned())).collect()
}

/// Appends the answer to a request for the identification: stream `code` 1 to 3 from `object` on, or
/// with 4 that object alone.
///
/// # Errors
/// Exception 2 for a single object that there is not.
pub(crate) fn answer(
    device: &Device,
    spec: &FarmSpec,
    (code, object): (u8, u8),
    out: &mut Vec<u8>,
) -> Result<(), u8> {
    let own = &device.layout.identity;
    let objects = if own.is_empty() { of_unit(device, spec) } else { own.clone() };
    let last = match code {
        1 => LAST_BASIC,
        2 => LAST_REGULAR,
        _ => u8::MAX,
    };
    let start = out.len();
    out.extend_from_slice(&[43, MEI_IDENTIFY, code, CONFORMITY, 0, 0, 0]);
    let mut offered: Vec<&(u8, String)> = objects.iter().filter(|(id, _)| *id <= last).collect();
    if code == 4 {
        offered.retain(|(id, _)| *id == object);
        if offered.is_empty() {
            return Err(ILLEGAL_DATA_ADDRESS);
        }
    } else if offered.iter().any(|(id, _)| *id == object) {
        // A stream goes on where the client says; from an unknown object it starts anew.
        offered.retain(|(id, _)| *id >= object);
    }
    for (id, text) in offered {
        let room = PDU_MAX - HEAD - 2;
        let text = &text.as_bytes()[..text.len().min(room)];
        if out.len() - start + 2 + text.len() > PDU_MAX {
            (out[start + 4], out[start + 5]) = (0xFF, *id);
            break;
        }
        out.extend_from_slice(&[*id, text.len() as u8]);
        out.extend_from_slice(text);
        out[start + 6] += 1;
    }
    Ok(())
}
