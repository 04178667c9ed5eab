//! A local network of real nodes on loopback, which the demonstration, the tests and the benchmarks
//! share.
//!
//! | module | contents |
//! |---|---|
//! | [`ports`] | allocation of free ports |
//! | [`node`] | one node process: start, wait, stop, kill |
//! | [`network`] | a network of nodes with its own data folder |
//! | [`signals`] | the signals that stop a program's network |
//! | [`parties`] | operators and funded accounts |
//! | [`models`] | the bundled models |
//! | `liar` | operators that lie, stall, equivocate or flood, with the feature of that name |

#[cfg(feature = "liar")]
pub mod liar;
pub mod models;
pub mod network;
pub mod node;
pub mod parties;
pub mod ports;
pub mod signals;

pub use models::BundledModel;
pub use network::{Network, NetworkConfig};
pub use node::Node;
pub use parties::{fund, register_operator, serve, wait_until_live, OperatorTerms};
pub use signals::interrupted;
