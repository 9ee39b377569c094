//! Frames of Modbus TCP: requests, and where an answer ends.

/// A frame that reads `count` holding registers of `unit` from `address` on.
pub(crate) fn read_frame(unit: u8, address: u16, count: u16) -> Vec<u8> {
    let ([a, b], [c, d]) = (address.to_be_bytes(), count.to_be_bytes());
    vec![0, 1, 0, 0, 0, 6, unit, 3, a, b, c, d]
}

/// A frame that writes a setpoint in watts into the compact map of `unit`.
pub(crate) fn setpoint_frame(unit: u8, setpoint_w: i32) -> Vec<u8> {
    let mut frame = vec![0, 1, 0, 0, 0, 11, unit, 16, 0, 80, 0, 2, 4];
    frame.extend_from_slice(&setpoint_w.to_be_bytes());
    frame
}

const HEADER: usize = 6;

/// The length of the first answer, and whether it is no exception.
pub(crate) fn answer(bytes: &[u8]) -> Option<(usize, bool)> {
    let header = bytes.get(..HEADER + 2)?;
    let length = HEADER + usize::from(u16::from_be_bytes([header[4], header[5]]));
    (bytes.len() >= length).then_some((length, header[7] >> 7 == 0))
}
