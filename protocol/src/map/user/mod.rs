//! Register maps from files: what a vendor's device shows, said in TOML.

mod codec;

pub(crate) use codec::OwnCodec;
