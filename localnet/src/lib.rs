//! A local network of real nodes on loopback: for the demonstration, the tests and the
//! benchmarks. One implementation, so that what is shown is what is tested.
//!
//! | module | for |
//! |---|---|
//! | [`ports`] | free ports |
//! | [`node`] | one node process, started, awaited, killed by its id |
//! | [`network`] | a network of them in a data folder of its own |
//! | [`signals`] | the signals on which a program stops its network |
//! | [`parties`] | a model owner, operators and a payer on it |

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
