//! Scenarios on networks of real nodes that zombienet spawns: what the chain promises while nodes
//! are killed, stay away, or join late.
//!
//! | module | contents |
//! |---|---|
//! | [`scenario`] | one run: network, narration, reports, the end of all processes |
//! | [`testnet`] | the nodes of a definition in `networks`: spawn, kill, restart, add, metrics |
//! | [`partition`] | nodes divided into sides |
//! | [`sudo`] | calls of root |
//! | [`stage`] | models, operators and payers on the chain |
//! | [`load`] | requests of all classes, repeated until they are final |
//! | [`liars`] | operators that break the rules |
//! | [`ledger`] | where the money went, read from final blocks |
//! | [`state`] | balances and a digest of the state of a block |
//! | [`clocks`] | the clocks that count blocks with room |
//! | [`dispute`] | a dispute over a right result |
//! | [`eras`] | eras, validators and what is behind them |
//! | [`penalties`] | offences of validators, their penalties, and the money of stakers |
//! | [`keystore`] | the files of a node's secret keys |
//! | [`disk`] | a disk under a node that can be filled or made read-only |
//! | [`history`] | what nodes have finalised: one history |
//! | [`health`] | what the metrics of all nodes have to show |
//! | [`scene`] | what scenarios with requests begin and end with |
//! | [`observer`] | block times and finality, sampled while a scenario runs |
//! | [`report`] | the report of a run as JSON, JUnit XML and SVG |
//! | [`trial`] | a node that is started to see how it ends |
//! | [`usage`] | what nodes take of their machine |
//! | [`wait`] | waiting with a bound |
//!
//! A scenario is a file in `tests`. Its doc comment states its invariant.

pub mod clocks;
pub mod disk;
pub mod dispute;
pub mod eras;
pub mod health;
pub mod history;
pub mod keystore;
pub mod ledger;
pub mod liars;
pub mod load;
pub mod observer;
pub mod partition;
pub mod penalties;
pub mod report;
pub mod scenario;
pub mod scene;
pub mod stage;
pub mod state;
pub mod sudo;
pub mod testnet;
pub mod trial;
pub mod usage;
pub mod wait;
