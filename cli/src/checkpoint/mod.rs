//! Checkpoints: the farm's state on disk, so that a restart goes on where the farm stood.
//!
//! `format` is the file, `folder` the folder of `--state` with its rules of names and retention, `keeper`
//! what stands between the tick loop and the disk, `args` the flags of `bess serve`, `command` and
//! `reshard` what people do with checkpoints. What a state consists of is the simulation's business.

mod args;
pub(crate) mod command;
mod folder;
mod format;
mod keeper;
pub(crate) mod reshard;

pub(crate) use args::{Restored, StateArgs, Taken};
pub(crate) use format::Identity;
pub(crate) use keeper::Keeping;
