//! Class `Optimistic` in the whole runtime: results and disputes, with real blocks and exact
//! balances.

mod common;

use assay_dispute::{Answer, Party, Player};
use assay_graph::{fast, CheckedGraph, Tensor, Trace};
use assay_pallet_testing::graphs::{proof_context, prover, recompute};
use assay_primitives::{
    digest,
    dispute::{DisputeId, DisputeTiming, TraceStatement},
    runtime_api::Status,
    Assurance, AssuranceClass, Balance, Digest, Outcome, RejectReason, RequestId, ASY,
};
use assay_runtime::{
    constants::{DisputeBond, LostDisputeSlash, TreasuryShare, WrongResultSlash},
    AccountId, Disputes, Runtime, System,
};
use codec::Encode;
use common::*;
use frame_support::assert_ok;
use pallet_disputes::OpenDisputes;
use pallet_inference::TraceSignatures;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchError, Perbill};

const OWNER: Sr25519Keyring = EveStash;
const PAYER: Sr25519Keyring = Ferdie;
const OPERATOR: Sr25519Keyring = AliceStash;
const CHALLENGER: Sr25519Keyring = BobStash;
const BOND: Balance = 10_000 * ASY;
const ASK: Balance = 1_000_000_000_007;
const ROYALTY: Perbill = Perbill::from_percent(10);
const REQUEST: RequestId = RequestId(0);
const DISPUTE: DisputeId = DisputeId(0);

/// Dispute timing of the local network.
fn timing() -> DisputeTiming {
    pallet_disputes::Timing::<Runtime>::get()
}

/// A model, an input, and the trace that the operator claims.
struct Case {
    graph: CheckedGraph,
    input: Vec<i8>,
    claimed: Trace,
}

impl Case {
    fn honest() -> Self {
        let graph = CheckedGraph::new(image_model()).unwrap();
        let input: Vec<i8> = (0..32).map(|index| index * 3 - 40).collect();
        let claimed = fast::trace(&graph, &input).unwrap();
        Self { graph, input, claimed }
    }

    /// One element of the output is wrong.
    fn lie() -> Self {
        let mut case = Self::honest();
        match case.claimed.tensors.last_mut() {
            Some(Tensor::Int8(elements)) => elements[3] ^= 1,
            _ => panic!("the output is int8"),
        }
        case
    }

    /// An element of an inner tensor is wrong, and so is everything that is computed from it.
    fn lie_from_the_start() -> Self {
        let mut case = Self::honest();
        let Tensor::Int32(elements) = &mut case.claimed.tensors[1] else { panic!() };
        elements.iter_mut().for_each(|element| *element = -*element);
        recompute(&case.graph, &mut case.claimed, 1);
        case
    }

    fn defender(&self) -> Player<'_> {
        Player::with_trace(&self.graph, self.claimed.clone())
    }

    fn witness(&self) -> Player<'_> {
        Player::new(&self.graph, &self.input).unwrap()
    }

    fn input_bytes(&self) -> Vec<u8> {
        self.input.iter().map(|x| *x as u8).collect()
    }

    fn output(&self) -> Vec<u8> {
        image_output(&self.claimed.output().unwrap().to_bytes())
    }

    /// Publishes a version, serves it, makes a request and has the operator drawn.
    fn ask(&self) {
        let serve = serve_call(ASK, 1, classes(&[AssuranceClass::Optimistic]));
        let graph = self.graph.clone().into_graph();
        bring_up_image_model(&graph, OWNER, ROYALTY, OPERATOR, BOND, serve);
        let input = image_input(&self.input_bytes());
        let request = request_call(&input, Assurance::Optimistic, 2 * ASK, 10, 1);
        submit(PAYER, request);
        empty_block();
        assert_eq!(record().status, Status::Assigned);
    }

    /// The operator's submission.
    fn call(&self) -> pallet_inference::Call<Runtime> {
        let (operator, output) = (OPERATOR.to_account_id(), self.output());
        let trace_root = Digest::from(self.defender().trace_root());
        let trace = TraceStatement {
            request: answered(REQUEST).hash(),
            output_digest: digest(&output),
            trace_root,
            operator: operator.clone(),
        };
        let signatures = TraceSignatures {
            result: sign(&worker(0), &result_statement(REQUEST, &operator, &output)),
            trace: sign(&worker(0), &trace),
        };
        pallet_inference::Call::submit_trace {
            request: REQUEST,
            operator,
            output: bounded(&output),
            trace_root,
            signatures,
        }
    }

    /// Submits the operator's result.
    fn submit(&self) {
        self.ask();
        assert_ok!(include(general(self.call())));
        assert_eq!(record().status, Status::Disputable);
    }

    /// Plays the dispute between the operator and a challenger with this trace, one move per block.
    /// Returns the fees of the challenger.
    fn play(&self, challenger: &Player<'_>) -> Balance {
        let defender = self.defender();
        let mut spent = 0;
        submit(
            CHALLENGER,
            pallet_disputes::Call::open { request: REQUEST, max_bond: Balance::MAX },
        );
        spent += fees()[0].1;
        while let Some(dispute) = Disputes::current(DISPUTE) {
            match dispute.stage.turn() {
                Party::Defender => {
                    answer(&dispute, defender.answer(&dispute.stage).unwrap());
                    assert_eq!(fees(), Vec::new(), "an operator's move is feeless");
                },
                Party::Challenger => {
                    let shown = Disputes::shown(REQUEST, &dispute.stage);
                    let choice = challenger.choose(&dispute.stage, shown.as_ref()).unwrap();
                    submit(CHALLENGER, pallet_disputes::Call::choose { dispute: DISPUTE, choice });
                    spent += fees()[0].1;
                },
            }
            check_all();
        }
        spent
    }
}

/// The operator's move, signed and included.
fn answer(dispute: &pallet_disputes::Dispute<AccountId>, answer: Answer) {
    let statement = answer_statement(dispute, &answer);
    let (stage, signature) = (statement.stage, sign(&worker(0), &statement));
    let call = pallet_disputes::Call::answer { dispute: DISPUTE, stage, answer, signature };
    assert_ok!(include(general(call)));
}

fn record() -> pallet_inference::Request<AccountId> {
    common::record(REQUEST)
}

/// Total balances of owner, payer, operator, challenger and treasury.
fn wealths() -> [Balance; 5] {
    [wealth(OWNER), wealth(PAYER), wealth(OPERATOR), wealth(CHALLENGER), treasury_without_fees()]
}

/// The balances after the result was paid.
fn paid([owner, payer, operator, challenger, treasury]: [Balance; 5]) -> [Balance; 5] {
    let (shared, royalty) = (TreasuryShare::get().mul_floor(ASK), ROYALTY.mul_floor(ASK));
    let payer = payer - ASK - record().fee;
    [owner + royalty, payer, operator + ASK - shared - royalty, challenger, treasury + shared]
}

/// The balances after the operator has lost.
fn lost([owner, payer, operator, challenger, treasury]: [Balance; 5]) -> [Balance; 5] {
    let (slashed, reward) = (WrongResultSlash::get(), LostDisputeSlash::get());
    let compensation = (slashed / 10).min(2 * ASK);
    [
        owner,
        payer + compensation - record().fee,
        operator - slashed - reward,
        challenger + reward,
        treasury + slashed - compensation,
    ]
}

#[test]
fn an_undisputed_result_is_final_after_the_window() {
    let case = Case::honest();
    run(|| {
        case.submit();
        let before = wealths();
        let since = System::block_number();
        // The operator has free capacity again.
        assert!(!pallet_operators::OpenAssignments::<Runtime>::contains_key(
            OPERATOR.to_account_id(),
            REQUEST
        ));
        go_to(since + timing().window);
        assert_eq!(record().status, Status::Disputable);
        check_all();
        empty_block();
        assert_eq!(record().status, Status::Final(Outcome::Verified));
        assert_eq!(wealths(), paid(before));
        let receipt = pallet_inference::Results::<Runtime>::get(REQUEST).unwrap().receipt;
        assert_eq!(receipt.output_digest, Some(digest(&case.output())));
        let evidence = pallet_inference::Results::<Runtime>::get(REQUEST).unwrap().evidence;
        assert!(receipt.bad_signatures(&evidence).is_empty());
        // The window is closed.
        let refused: DispatchError = pallet_disputes::Error::<Runtime>::NoResult.into();
        let open = pallet_disputes::Call::open { request: REQUEST, max_bond: Balance::MAX };
        assert_eq!(include(signed(CHALLENGER, open)), Err(refused));
    });
}

#[test]
fn a_wrong_result_costs_the_operator_and_all_others_are_compensated() {
    for case in [Case::lie(), Case::lie_from_the_start()] {
        run(|| {
            case.submit();
            let before = wealths();
            let issuance = issuance_without_fees();
            let spent = case.play(&case.witness());
            let outcome = Outcome::Rejected(RejectReason::Disputed);
            assert_eq!(record().status, Status::Final(outcome));
            let mut expected = lost(before);
            expected[3] -= spent;
            assert_eq!(wealths(), expected);
            assert_eq!(issuance_without_fees(), issuance - spent - record().fee);
            assert_eq!(held(&PAYER.to_account_id()), 2 * ASK, "its compensation");
            assert_eq!(held(&CHALLENGER.to_account_id()), 0);
        });
    }
}

#[test]
fn a_false_dispute_delays_the_payment_and_loses_its_bond() {
    let case = Case::honest();
    run(|| {
        case.submit();
        let before = wealths();
        let since = System::block_number();
        let spent = case.play(&Case::lie().defender());
        assert_eq!(record().status, Status::Disputable);
        go_to(since + timing().window + 1);
        assert_eq!(record().status, Status::Final(Outcome::Verified));
        let mut expected = paid(before);
        expected[2] += DisputeBond::get() / 2;
        expected[3] -= DisputeBond::get() + spent;
        expected[4] += DisputeBond::get() / 2;
        assert_eq!(wealths(), expected);
    });
}

#[test]
fn a_dispute_that_outlasts_the_window_keeps_the_result_open() {
    let case = Case::honest();
    run(|| {
        case.submit();
        go_to(System::block_number() + timing().window - 2);
        submit(
            CHALLENGER,
            pallet_disputes::Call::open { request: REQUEST, max_bond: Balance::MAX },
        );
        let opened = System::block_number();
        go_to(opened + timing().response);
        assert_eq!(record().status, Status::Disputable);
        check_all();
        // The operator makes no move.
        empty_block();
        let outcome = Outcome::Rejected(RejectReason::Disputed);
        assert_eq!(record().status, Status::Final(outcome));
    });
    // The challenger makes no move.
    run(|| {
        case.submit();
        go_to(System::block_number() + timing().window - 2);
        submit(
            CHALLENGER,
            pallet_disputes::Call::open { request: REQUEST, max_bond: Balance::MAX },
        );
        let dispute = OpenDisputes::<Runtime>::get(DISPUTE).unwrap();
        answer(&dispute, case.defender().answer(&dispute.stage).unwrap());
        go_to(System::block_number() + timing().response);
        assert_eq!(record().status, Status::Disputable);
        empty_block();
        assert_eq!(record().status, Status::Final(Outcome::Verified));
    });
}

#[test]
fn a_validity_proof_decides_a_dispute_either_way() {
    let prover = prover(&image_model());
    for case in [Case::honest(), Case::lie()] {
        run(|| {
            case.submit();
            let before = wealths();
            submit(
                CHALLENGER,
                pallet_disputes::Call::open { request: REQUEST, max_bond: Balance::MAX },
            );
            let mut spent = fees()[0].1;
            let (payer, operator) = (PAYER.to_account_id(), OPERATOR.to_account_id());
            let request = REQUEST.encode();
            let context = proof_context(GENESIS_HASH, &request, &payer, &operator);
            let proven = prover.prove(&context, &case.input_bytes()).unwrap();
            let prove = |output: &[u8], proof: &[u8]| {
                let (output, proof) = (bounded(output), bounded(proof));
                signed(CHALLENGER, pallet_disputes::Call::prove { dispute: DISPUTE, output, proof })
            };
            let refused: DispatchError = pallet_disputes::Error::<Runtime>::ProofRefused.into();
            let other: Vec<u8> = proven.output.iter().map(|byte| byte ^ 1).collect();
            assert_eq!(include(prove(&other, &proven.proof)), Err(refused));
            spent += fees()[0].1;
            assert_ok!(include(prove(&proven.output, &proven.proof)));
            spent += fees()[0].1;
            let right = case.claimed == Case::honest().claimed;
            let mut expected = if right { paid(before) } else { lost(before) };
            expected[3] -= spent;
            if right {
                expected[2] += DisputeBond::get() / 2;
                expected[3] -= DisputeBond::get();
                expected[4] += DisputeBond::get() / 2;
                assert_eq!(record().status, Status::Final(Outcome::Verified));
            } else {
                let outcome = Outcome::Rejected(RejectReason::Disputed);
                assert_eq!(record().status, Status::Final(outcome));
            }
            assert_eq!(wealths(), expected);
        });
    }
}

#[test]
fn a_trace_root_that_the_operator_did_not_sign_is_refused() {
    let case = Case::honest();
    run(|| {
        case.ask();
        let pallet_inference::Call::submit_trace { request, operator, output, signatures, .. } =
            case.call()
        else {
            panic!()
        };
        let trace_root = Digest::repeat_byte(1);
        let call = pallet_inference::Call::submit_trace {
            request,
            operator,
            output,
            trace_root,
            signatures,
        };
        assert!(validate(general(call)).is_err());
        assert_ok!(include(general(case.call())));
        assert!(validate(general(case.call())).is_err(), "once");
        // The calls of other classes are refused.
        let output = case.output();
        let signed_only = result(REQUEST, &OPERATOR.to_account_id(), &worker(0), &output);
        assert!(validate(general(signed_only)).is_err());
    });
}
