use std::sync::Arc;

use assay_engine_interface::{EngineExt, EngineProvider};
use assay_pallet_testing::workers::{keystore, register_offchain, Pool};
use assay_primitives::{
    engine::{EngineInfo, Job, JobStatus},
    operator::EngineVersion,
    RequestId,
};
use codec::Decode;
use frame_support::{assert_ok, traits::OffchainWorker};
use sp_core::offchain::testing::TestOffchainExt;

use crate::{mock::*, Call, Operators as Registrations};

/// An engine that only reports its version.
struct Idle;

impl EngineProvider for Idle {
    fn run(&self, _: Job) -> JobStatus {
        JobStatus::Unavailable("nothing runs here".into())
    }
    fn forget(&self, _: RequestId) {}
    fn info(&self) -> EngineInfo {
        EngineInfo { version: EngineVersion { major: 7, minor: 0, patch: 1 }, load: 2 }
    }
}

/// A node with some worker keys, with or without an engine.
struct Node {
    externalities: sp_io::TestExternalities,
    pool: Pool,
}

impl Node {
    fn new(keys: &[u64], engine: bool) -> Self {
        let mut externalities = new_test_ext();
        externalities.register_extension(keystore(keys));
        let pool = register_offchain(&mut externalities, TestOffchainExt::new().0);
        if engine {
            externalities.register_extension(EngineExt::new(Arc::new(Idle)));
        }
        Self { externalities, pool }
    }

    fn run(mut self, test: impl FnOnce(&dyn Fn() -> Vec<RuntimeCall>)) {
        let work = || {
            Operators::offchain_worker(System::block_number());
            self.pool
                .take()
                .iter()
                .map(|bytes| Extrinsic::decode(&mut &bytes[..]).unwrap().function)
                .collect()
        };
        test_in(&mut self.externalities, || test(&work));
    }
}

fn last(operator: u64) -> Option<u32> {
    Registrations::<Test>::get(operator).unwrap().last_heartbeat
}

#[test]
fn a_node_sends_a_heartbeat_at_once_and_then_one_per_interval() {
    Node::new(&[ALICE], true).run(|work| {
        register(ALICE);
        let mut sent = vec![];
        for height in 1..=32 {
            go_to(height);
            for call in work() {
                assert_ok!(include(call));
                sent.push(height);
            }
        }
        assert_eq!(sent, [1, 11, 21, 31]);
        assert_eq!(last(ALICE), Some(31));
        let info = Registrations::<Test>::get(ALICE).unwrap();
        assert_eq!(info.engine, EngineVersion { major: 7, minor: 0, patch: 1 });
        assert_eq!(info.load, 2);
    });
}

#[test]
fn a_node_speaks_for_each_of_its_operators_and_for_no_other() {
    Node::new(&[ALICE, CHARLIE], true).run(|work| {
        for operator in [ALICE, BOB, CHARLIE] {
            register(operator);
        }
        let mut operators: Vec<_> = work()
            .into_iter()
            .map(|call| match call {
                RuntimeCall::Operators(Call::heartbeat { statement, .. }) => statement.operator,
                other => panic!("unexpected {other:?}"),
            })
            .collect();
        operators.sort_unstable();
        assert_eq!(operators, [ALICE, CHARLIE]);
    });
}

#[test]
fn a_node_without_an_engine_sends_nothing() {
    Node::new(&[ALICE], false).run(|work| {
        register(ALICE);
        assert_eq!(work(), []);
    });
}

#[test]
fn a_node_without_the_key_sends_nothing() {
    Node::new(&[], true).run(|work| {
        register(ALICE);
        assert_eq!(work(), []);
    });
}

#[test]
fn a_past_key_sends_nothing() {
    Node::new(&[ALICE], true).run(|work| {
        register(ALICE);
        let (worker, possession) = worker(100, ALICE);
        assert_ok!(signed_call(ALICE, Call::set_worker { worker, possession }));
        assert_eq!(work(), []);
    });
}

#[test]
fn an_operator_that_leaves_sends_nothing() {
    Node::new(&[ALICE], true).run(|work| {
        register(ALICE);
        assert_ok!(signed_call(ALICE, Call::unbond {}));
        assert_eq!(work(), []);
    });
}
