//! Scenarios on networks of real nodes that zombienet spawns: what the chain promises while nodes
//! are killed, stay away, or join late.
//!
//! | module | contents |
//! |---|---|
//! | [`scenario`] | one run: network, narration, reports, the end of all processes |
//! | [`testnet`] | the nodes of a definition in `networks`: spawn, kill, restart, add, metrics |
//! | [`stage`] | models, operators and payers on the chain |
//! | [`load`] | requests of all classes, repeated until they are final |
//! | [`ledger`] | where the money went, read from final blocks |
//! | [`state`] | balances and a digest of the state of a block |
//! | [`health`] | what the metrics of all nodes have to show |
//! | [`scene`] | what scenarios with requests begin and end with |
//! | [`observer`] | block times and finality, sampled while a scenario runs |
//! | [`report`] | the report of a run as JSON, JUnit XML and SVG |
//! | [`wait`] | waiting with a bound |
//!
//! A scenario is a file in `tests`. Its doc comment states its invariant.

pub mod health;
pub mod ledger;
pub mod load;
pub mod observer;
pub mod report;
pub mod scenario;
pub mod scene;
pub mod stage;
pub mod state;
pub mod testnet;
pub mod wait;
