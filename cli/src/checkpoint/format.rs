//! The file of a checkpoint.
//!
//! Eight letters, the format's number and the length of the header (both 32 bits, the lowest byte first);
//! the header as a CBOR map; sections, each with the length of its name (16 bits), its name, its length (64
//! bits) and its bytes; and at the end a CRC-32 of all that comes before it. Fields and sections that a
//! reader does not know are passed over, those that are missing have their defaults: so versions read each
//! other's files, and a format's number changes only with this frame.

use bess_core::spec::FarmSpec;
use bess_simulation::pacer::wall_unix_ns;
use bess_simulation::{Section, State};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, Write};

const MAGIC: &[u8; 8] = b"BESSCKPT";
/// The format that is written.
const FORMAT: u32 = 1;
/// Bytes before the header.
const FRONT: usize = 16;
/// Bytes of the checksum.
const BACK: usize = 4;

/// Which farm a state is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// SHA-256 of the farm file with the files that it names.
    pub(crate) farm_sha256: String,
    /// Seed in force.
    pub(crate) seed: u64,
    /// Number of the shard, from 0.
    #[serde(default)]
    pub(crate) shard: u32,
    /// Units of the farm before the first that this process has.
    #[serde(default)]
    pub(crate) first_unit: u32,
    /// Units that this process has.
    pub(crate) units: u32,
}

impl Identity {
    /// That of a farm, or of a shard of it, whose file with those that it names has this SHA-256.
    pub(crate) fn of(spec: &FarmSpec, farm_sha256: String) -> Self {
        let (shard, first_unit) = spec.shard.as_ref().map_or((0, 0), |s| (s.index, s.first_unit));
        Self {
            farm_sha256,
            seed: spec.seed,
            shard: shard as u32,
            first_unit: first_unit as u32,
            units: spec.units.len() as u32,
        }
    }
    /// What `other` has differently, for people.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let short = |sha256: &str| sha256.get(..12).unwrap_or(sha256).to_owned();
        let rows = [
            ("farm file (SHA-256)", short(&self.farm_sha256), short(&other.farm_sha256)),
            ("seed", self.seed.to_string(), other.seed.to_string()),
            ("shard", self.shard.to_string(), other.shard.to_string()),
            ("units before it", self.first_unit.to_string(), other.first_unit.to_string()),
            ("units", self.units.to_string(), other.units.to_string()),
        ];
        let differ = rows.into_iter().filter(|(_, own, others)| own != others);
        differ.map(|(what, own, others)| format!("{what}: {own} there, {others} here")).collect()
    }
}

/// How the clock stood, and what was given on the command line for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clock {
    pub(crate) speed: f64,
    pub(crate) paused: bool,
    pub(crate) given_speed: f64,
    pub(crate) given_paused: bool,
}

/// What a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Header {
    /// Version that wrote it.
    pub(crate) bess: String,
    /// Oldest format that a reader must know to read it.
    pub(crate) needs: u32,
    /// The farm's name.
    pub(crate) farm: String,
    pub(crate) identity: Identity,
    pub(crate) tick: u64,
    /// Simulated time of that tick, and of tick 0, in Unix nanoseconds.
    pub(crate) time_unix_ns: i64,
    pub(crate) start_unix_ns: i64,
    /// Wall time when the state was taken, in Unix nanoseconds.
    pub(crate) wall_unix_ns: i64,
    pub(crate) clock: Clock,
    /// Scenarios that were running.
    pub(crate) runs: Vec<String>,
    /// Records of the audit at that time.
    pub(crate) audit_total: u64,
    /// Bytes of all sections with their frames.
    pub(crate) payload_bytes: u64,
}

impl Header {
    /// What a file says of `state` of the farm called `farm`, as this version writes it now.
    pub(crate) fn of(farm: &str, identity: Identity, state: &State) -> Self {
        Self {
            bess: env!("CARGO_PKG_VERSION").to_owned(),
            farm: farm.to_owned(),
            identity,
            tick: state.tick.0,
            time_unix_ns: state.start.at(state.tick).unix_ns,
            start_unix_ns: state.start.unix_ns,
            wall_unix_ns: wall_unix_ns(),
            ..Self::default()
        }
    }
}

/// A checkpoint that was read.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) format: u32,
    pub(crate) header: Header,
    pub(crate) sections: Vec<Section>,
    pub(crate) crc32: u32,
    pub(crate) size: usize,
}

/// Why bytes are no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It does not begin like one.
    NoCheckpoint,
    /// It ends too early.
    Short { has: usize, needs: usize },
    /// It goes on behind its end.
    Long { has: usize, needs: usize },
    /// Its bytes are not those that were written.
    Checksum { is: u32, should_be: u32 },
    /// It needs a newer version.
    TooNew { needs: u32, bess: String },
    /// Its checksum holds, and what is in it cannot be read.
    Senseless(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCheckpoint => f.write_str("it does not begin like a checkpoint"),
            Self::Short { has, needs } => write!(f, "it is cut off: {has} of {needs} bytes"),
            Self::Long { has, needs } => {
                write!(f, "something is behind its end: {has} bytes instead of {needs}")
            }
            Self::Checksum { is, should_be } => write!(
                f,
                "it is damaged: its checksum is {is:08x}, and {should_be:08x} was written"
            ),
            Self::TooNew { needs, bess } => write!(
                f,
                "it was written by bess {bess} in format {needs}, and this version reads up to format {FORMAT}"
            ),
            Self::Senseless(why) => write!(f, "it cannot be read: {why}"),
        }
    }
}

/// Puts a CRC-32 together while it passes bytes on.
struct Summing<'w, W> {
    out: &'w mut W,
    sum: crc32fast::Hasher,
    bytes: u64,
}

impl<W: Write> Write for Summing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.sum.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a checkpoint; returns its size in bytes.
///
/// # Errors
/// When `out` does not take it.
pub(crate) fn write(mut header: Header, state: &State, out: &mut impl Write) -> io::Result<u64> {
    let framed = |section: &Section| (2 + section.name.len() + 8 + section.bytes.len()) as u64;
    header.payload_bytes = state.sections.iter().map(framed).sum();
    header.needs = FORMAT;
    let mut text = Vec::new();
    ciborium::into_writer(&header, &mut text).map_err(io::Error::other)?;
    let length = |n: usize| u32::try_from(n).map_err(io::Error::other);
    let mut all = Summing { out, sum: crc32fast::Hasher::new(), bytes: 0 };
    all.write_all(MAGIC)?;
    all.write_all(&FORMAT.to_le_bytes())?;
    all.write_all(&length(text.len())?.to_le_bytes())?;
    all.write_all(&text)?;
    for Section { name, bytes } in &state.sections {
        all.write_all(&u16::try_from(name.len()).map_err(io::Error::other)?.to_le_bytes())?;
        all.write_all(name.as_bytes())?;
        all.write_all(&(bytes.len() as u64).to_le_bytes())?;
        all.write_all(bytes)?;
    }
    let Summing { out, sum, bytes } = all;
    out.write_all(&sum.finalize().to_le_bytes())?;
    Ok(bytes + BACK as u64)
}

/// Reads a checkpoint.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(bytes: &[u8]) -> Result<Checkpoint, Broken> {
    let short = |needs| Broken::Short { has: bytes.len(), needs };
    if !bytes.starts_with(MAGIC) {
        return Err(match MAGIC.starts_with(bytes) {
            true => short(FRONT + BACK),
            false => Broken::NoCheckpoint,
        });
    }
    let number = |at: usize| {
        let four = bytes.get(at..at + 4).and_then(|four| <[u8; 4]>::try_from(four).ok());
        four.map(u32::from_le_bytes).ok_or_else(|| short(FRONT + BACK))
    };
    let (format, length) = (number(8)?, number(12)? as usize);
    let text = bytes.get(FRONT..FRONT + length).ok_or_else(|| short(FRONT + length + BACK))?;
    let header: Result<Header, _> = ciborium::from_reader(text);
    // Half a file says how long it is, where its header can be read.
    if let Ok(header) = &header
        && let Ok(payload) = usize::try_from(header.payload_bytes)
    {
        let needs = (FRONT + length + BACK).saturating_add(payload);
        match bytes.len() {
            has if has < needs => return Err(short(needs)),
            has if has > needs => return Err(Broken::Long { has, needs }),
            _ => {}
        }
    }
    let Some((body, sum)) = bytes.split_last_chunk::<BACK>() else {
        return Err(short(FRONT + BACK));
    };
    let (is, should_be) = (crc32fast::hash(body), u32::from_le_bytes(*sum));
    if is != should_be {
        return Err(Broken::Checksum { is, should_be });
    }
    let header = header.map_err(|error| Broken::Senseless(format!("its header: {error}")))?;
    if header.needs > FORMAT {
        return Err(Broken::TooNew { needs: header.needs, bess: header.bess });
    }
    let sections = sections_of(&body[FRONT + length..])
        .ok_or_else(|| Broken::Senseless("a section goes beyond the end".to_owned()))?;
    Ok(Checkpoint { format, header, sections, crc32: is, size: bytes.len() })
}

fn sections_of(mut bytes: &[u8]) -> Option<Vec<Section>> {
    let mut sections = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (name, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (section, rest) = rest.split_at_checked(length)?;
        let name = std::str::from_utf8(name).ok()?.to_owned();
        sections.push(Section { name, bytes: section.to_owned() });
        bytes = rest;
    }
    Some(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let section = |name: &str, bytes: &[u8]| Section { name: name.into(), bytes: bytes.into() };
        let sections = vec![section("farm", b"one"), section("unit/1", &[7; 300])];
        let state = State { sections, ..State::default() };
        let header = Header { bess: "1.2.3".into(), tick: 42, ..Header::default() };
        let mut bytes = Vec::new();
        let size = write(header, &state, &mut bytes).unwrap();
        assert_eq!(size, bytes.len() as u64);
        bytes
    }

    #[test]
    fn what_was_written_is_read() {
        let read = read(&written()).unwrap();
        assert_eq!((read.format, read.header.tick, &*read.header.bess), (1, 42, "1.2.3"));
        let names: Vec<&str> = read.sections.iter().map(|s| &*s.name).collect();
        assert_eq!(names, ["farm", "unit/1"]);
        assert_eq!(read.sections[1].bytes, [7; 300]);
    }

    #[test]
    fn a_bit_that_flipped_anywhere_is_found() {
        let whole = written();
        for place in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << (place % 8);
            assert!(read(&bytes).is_err(), "byte {place}");
        }
    }

    #[test]
    fn a_file_that_ends_anywhere_or_goes_on_is_refused() {
        let whole = written();
        for length in 0..whole.len() {
            let broken = read(&whole[..length]).unwrap_err();
            assert!(matches!(broken, Broken::Short { .. }), "{length}: {broken}");
        }
        let longer = [&*whole, b"x"].concat();
        assert!(matches!(read(&longer), Err(Broken::Long { .. })));
        assert_eq!(read(b"something else").unwrap_err(), Broken::NoCheckpoint);
    }

    #[test]
    fn a_file_that_needs_a_newer_format_is_refused_with_who_wrote_it() {
        let mut text = Vec::new();
        let header = Header { bess: "9.0.0".into(), needs: 2, ..Header::default() };
        ciborium::into_writer(&header, &mut text).unwrap();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(2u32.to_le_bytes());
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        let broken = read(&bytes).unwrap_err().to_string();
        assert_eq!(
            broken,
            "it was written by bess 9.0.0 in format 2, and this version reads up to format 1"
        );
    }
}
