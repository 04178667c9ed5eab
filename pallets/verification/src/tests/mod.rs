//! One file per call and per part of the evidence.

mod check_request;
mod decide;
mod invariants;
mod proof;
mod quorum;
mod report_equivocation;
mod set_class_enabled;
mod submissions;
