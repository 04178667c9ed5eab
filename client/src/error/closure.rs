//! Calls that are closed for now.

use assay_primitives::BlockNumber;

/// Why a call is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closure {
    /// The last block of safe mode. `None`: the chain is not in safe mode.
    pub safe_mode_until: Option<BlockNumber>,
    /// Whether this call is paused. Such a pause has no end of its own.
    pub is_paused: bool,
}

impl std::fmt::Display for Closure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(until) = self.safe_mode_until {
            write!(
                f,
                "the chain is in safe mode until block {until}, unless the technical committee ends it \
                 earlier or a referendum extends it"
            )?;
        }
        if self.is_paused {
            if self.safe_mode_until.is_some() {
                f.write_str(", and ")?;
            }
            f.write_str(
                "this call is paused, until the technical committee or a referendum opens it again",
            )?;
        }
        Ok(())
    }
}
