//! The offchain worker.

use std::sync::Arc;

use assay_dispute::{Party, Player, Shown};
use assay_engine_interface::{EngineExt, EngineProvider};
use assay_graph::CheckedGraph;
use assay_pallet_testing::workers::{keystore, register_offchain, Pool};
use assay_primitives::{
    dispute::{DisputeJob, DisputeTask},
    engine::{EngineInfo, Job, JobInput, JobStatus},
    ElementType, FailureReason, RequestId, Tensor,
};
use codec::{Decode, Encode};
use frame_support::traits::Hooks;
use sp_core::offchain::testing::TestOffchainExt;
use sp_runtime::{testing::UintAuthorityId, traits::Dispatchable};

use crate::{mock::*, DisputeCause, Event};

/// Runs the model as it is.
struct HonestEngine(CheckedGraph);

impl EngineProvider for HonestEngine {
    fn run(&self, _: Job) -> JobStatus {
        JobStatus::Failed(FailureReason::EngineError, "only disputes here".into())
    }
    fn dispute_move(&self, DisputeJob { job, task }: DisputeJob) -> JobStatus {
        let JobInput::Inline(input) = job.input else { panic!("inputs are inline") };
        let input: Vec<i8> = input.iter().map(|x| *x as i8).collect();
        let player = Player::new(&self.0, &input).unwrap();
        let stage = |bytes: Vec<u8>| Decode::decode(&mut &bytes[..]).unwrap();
        let output = match task {
            DisputeTask::Claim => {
                let data = player.output().unwrap().to_bytes();
                let payload = vec![Tensor { element_type: ElementType::I8, shape: vec![1], data }];
                (payload.encode(), player.trace_root()).encode()
            },
            DisputeTask::Answer(bytes) => player.answer(&stage(bytes)).encode(),
            DisputeTask::Choose { stage: bytes, shown } => {
                let shown: Option<Shown> = Decode::decode(&mut &shown[..]).unwrap();
                player.choose(&stage(bytes), shown.as_ref()).encode()
            },
        };
        JobStatus::Done { output, proof: None }
    }
    fn forget(&self, _: RequestId) {}
    fn info(&self) -> EngineInfo {
        EngineInfo { version: Default::default(), load: 0 }
    }
}

/// A node with an engine and keys.
struct Node {
    pool: Pool,
    ext: sp_io::TestExternalities,
}

impl Node {
    fn new(worker: Option<u64>, watcher: Option<u64>) -> Self {
        let mut ext = new_test_ext();
        let pool = register_offchain(&mut ext, TestOffchainExt::new().0);
        UintAuthorityId::set_all_keys(watcher);
        ext.register_extension(keystore(worker.as_slice()));
        ext.register_extension(EngineExt::new(Arc::new(HonestEngine(Case::honest().graph))));
        Self { pool, ext }
    }

    /// Runs the offchain worker at this block and includes its transactions in the next one.
    /// Returns their number.
    fn block(&mut self) -> usize {
        let pool = self.pool.clone();
        self.ext.execute_with(|| {
            Disputes::offchain_worker(System::block_number());
            go_to(System::block_number() + 1);
            let transactions = pool.take();
            for bytes in &transactions {
                let transaction = Extrinsic::decode(&mut &bytes[..]).unwrap();
                match (transaction.preamble, transaction.function) {
                    (sp_runtime::generic::Preamble::Signed(account, ..), call) => {
                        call.dispatch(origin(account)).unwrap();
                    },
                    (_, RuntimeCall::Disputes(call)) => drop(include(call).unwrap()),
                    other => panic!("{other:?}"),
                }
            }
            check_all();
            transactions.len()
        })
    }
}

#[test]
fn a_watcher_finds_a_wrong_result_and_wins_against_the_liar() {
    let mut node = Node::new(None, Some(CHALLENGER));
    let case = Case::lying_from(Case::honest().graph.plan().operations().len());
    node.ext.execute_with(|| case.submit());
    assert_eq!(node.block(), 1);
    let id = assay_primitives::dispute::DisputeId(0);
    for _ in 0..10 {
        let over = node.ext.execute_with(|| {
            let Some(dispute) = Disputes::current(id) else { return true };
            if dispute.stage.turn() == Party::Defender {
                answer(id, case.defender().answer(&dispute.stage).unwrap());
            }
            false
        });
        if over {
            break;
        }
        node.block();
    }
    node.ext.execute_with(|| {
        assert_won(id, DisputeCause::Computed);
    });
}

/// Others may open disputes at the same time, and each has a higher bond than the one before.
#[test]
fn a_watcher_does_not_pay_any_bond() {
    let mut node = Node::new(None, Some(CHALLENGER));
    let pool = node.pool.clone();
    node.ext.execute_with(|| {
        Case::lying_from(Case::honest().graph.plan().operations().len()).submit();
        Disputes::offchain_worker(System::block_number());
        let [bytes] = &pool.take()[..] else { panic!("it opens one dispute") };
        let call = Extrinsic::decode(&mut &bytes[..]).unwrap().function;
        let open = crate::Call::open { request: REQUEST, max_bond: 2 * BOND };
        assert_eq!(call, RuntimeCall::Disputes(open));
    });
}

#[test]
fn a_watcher_leaves_right_results_alone() {
    let mut node = Node::new(None, Some(CHALLENGER));
    node.ext.execute_with(|| Case::honest().submit());
    assert_eq!((node.block(), node.block()), (0, 0));
    // The same for a wrong trace of a right output.
    let mut node = Node::new(None, Some(CHALLENGER));
    node.ext.execute_with(|| {
        Case::honest().submit();
        Results::mutate(|results| results.get_mut(&REQUEST).unwrap().trace_root.0[0] ^= 1);
    });
    assert_eq!(node.block(), 0);
    // A node without a key disputes nothing.
    let mut node = Node::new(None, None);
    node.ext.execute_with(|| {
        Case::lying_from(Case::honest().graph.plan().operations().len()).submit();
    });
    assert_eq!(node.block(), 0);
}

#[test]
fn an_operators_node_defends_what_it_has_computed() {
    let mut node = Node::new(Some(OPERATOR), None);
    let (case, other) = (Case::honest(), Case::lying_from(3));
    let id = node.ext.execute_with(|| case.disputed());
    // It does not choose in the challenger's place.
    let challenger = other.defender();
    for _ in 0..3 {
        assert_eq!(node.block(), 1);
        // The same move is not submitted at every block.
        assert_eq!(node.block(), 0);
        node.ext.execute_with(|| {
            if let Some(dispute) = Disputes::current(id) {
                choose(id, choice_of(&challenger, &dispute).unwrap());
            }
        });
    }
    node.ext.execute_with(|| {
        assert_eq!(standing(), Standing::Upheld);
        assert!(matches!(last_event().unwrap(), Event::Lost { cause: DisputeCause::Computed, .. }));
    });
}

#[test]
fn a_node_does_not_sign_a_move_that_contradicts_the_claim() {
    let mut node = Node::new(Some(OPERATOR), None);
    node.ext.execute_with(|| Case::lying_from(3).disputed());
    assert_eq!(node.block(), 0);
    // It does not answer for other operators.
    let mut node = Node::new(Some(STRANGER), None);
    node.ext.execute_with(|| Case::honest().disputed());
    assert_eq!(node.block(), 0);
}

/// Others can open any number of disputes.
#[test]
fn every_dispute_over_a_result_is_reached() {
    let mut node = Node::new(Some(OPERATOR), None);
    let case = Case::honest();
    let ids: Vec<_> = node.ext.execute_with(|| {
        case.submit();
        (0..150).map(|_| open(CHALLENGER)).collect()
    });
    // One move suffices for all.
    assert_eq!((node.block(), node.block(), node.block()), (1, 0, 0));
    for (id, operation) in [(ids[0], 0), (ids[74], 1), (ids[149], 3)] {
        node.ext.execute_with(|| choose(id, assay_dispute::Choice::Operation(operation)));
        // Three pages have all of them.
        let moves: usize = (0..3).map(|_| node.block()).sum();
        assert_eq!(moves, 1);
        node.ext.execute_with(|| assert_eq!(stage(id).name(), "tile"));
    }
}

#[test]
fn a_watcher_that_has_disputed_a_result_does_not_dispute_it_again() {
    let mut node = Node::new(None, Some(CHALLENGER));
    let case = Case::lying_from(Case::honest().graph.plan().operations().len());
    node.ext.execute_with(|| {
        case.submit();
        // More disputes of others than one page has.
        for _ in 0..100 {
            open(SECOND);
        }
    });
    let transactions: usize = (0..RESPONSE).map(|_| node.block()).sum();
    assert_eq!(transactions, 1);
    node.ext.execute_with(|| {
        assert_eq!(Disputes::disputes_of(&CHALLENGER, None, 9).len(), 1);
    });
}

#[test]
fn what_is_not_included_is_handed_in_again() {
    let mut node = Node::new(Some(OPERATOR), None);
    node.ext.execute_with(|| Case::honest().disputed());
    let pool = node.pool.clone();
    let mut submitted = Vec::new();
    for _ in 0..5 {
        node.ext.execute_with(|| {
            Disputes::offchain_worker(System::block_number());
            go_to(System::block_number() + 1);
        });
        submitted.push(pool.take().len());
    }
    assert_eq!(submitted, [1, 0, 0, 1, 0]);
}
