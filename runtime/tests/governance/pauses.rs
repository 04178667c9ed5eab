//! Safe mode and single calls that are closed: what is refused, and what goes on.

use assay_dispute::Player;
use assay_graph::{fast, CheckedGraph};
use assay_primitives::{
    dispute::DisputeId, runtime_api::Status, Assurance, AssuranceClass, Outcome, RequestId, ASY,
};
use assay_runtime::{
    governance::origins::PAUSE_HOURS, Disputes, Runtime, RuntimeCall, RuntimeEvent, SafeMode,
    System,
};
use frame_support::assert_ok;
use pallet_safe_mode::{EnteredUntil, ExitReason};
use sp_keyring::Sr25519Keyring::*;
use sp_runtime::DispatchError;

use crate::{
    common::{party::*, *},
    steps::*,
};

fn closed<T>() -> Result<T, DispatchError> {
    Err(frame_system::Error::<Runtime>::CallFiltered.into())
}

fn transfer() -> RuntimeCall {
    let dest = Ferdie.to_account_id().into();
    pallet_balances::Call::transfer_keep_alive { dest, value: ASY }.into()
}

fn image() -> Vec<i8> {
    (0..32).map(|index| index * 3 - 40).collect()
}

fn request(key: u8) -> pallet_inference::Call<Runtime> {
    let input = image_input(&image().iter().map(|x| *x as u8).collect::<Vec<u8>>());
    request_call(&input, Assurance::Optimistic, ASY, 40, key)
}

#[test]
fn in_safe_mode_nothing_begins_and_everything_ends() {
    run(|| {
        let graph = CheckedGraph::new(publish_image()).expect("it is valid");
        let mut claimed = fast::trace(&graph, &image()).expect("it runs");
        // A wrong element of the output: a challenger wins.
        let Some(assay_graph::Tensor::Int8(elements)) = claimed.tensors.last_mut() else {
            panic!()
        };
        elements[3] ^= 1;
        let liar = Player::with_trace(&graph, claimed);
        let witness = Player::new(&graph, &image()).expect("it runs");
        let [operator, payer, challenger] =
            [("operator", 20_000), ("payer", 100), ("watcher", 100)]
                .map(|(name, balance)| Party::new(name, balance * ASY));
        operator.register(10_000 * ASY);
        operator.serve(ASY / 1_000, 64, classes(&[AssuranceClass::Optimistic]));
        let id = payer.request(request(1));
        empty_block();
        assert_eq!(record(id).status, Status::Assigned);

        // One of three may not, two may.
        move_by(&[Alice], pallet_safe_mode::Call::force_enter {});
        assert!(!SafeMode::is_entered());
        move_by(&[Alice, Bob], pallet_safe_mode::Call::force_enter {});
        let until = EnteredUntil::<Runtime>::get().expect("it is entered");
        assert_eq!(until, System::block_number() + PAUSE_HOURS);

        assert_eq!(payer.include(transfer()), closed());
        assert_eq!(payer.include(request(3)), closed());
        let batch = pallet_utility::Call::batch_all { calls: vec![transfer()] };
        assert_eq!(payer.include(batch), closed());
        assert_eq!(operator.include(serve_call(ASY, 1, both())), closed());

        // Answers, heartbeats and moves go through, as do cancellations.
        operator.beat();
        let output = image_output(&liar.output().expect("there is one").to_bytes());
        let answer = traced(id, &operator, &output, liar.trace_root().into());
        assert_ok!(include(general(answer)));
        let most = 100 * ASY;
        challenger.submit(pallet_disputes::Call::open { request: id, max_bond: most });
        let dispute = DisputeId(0);
        while let Some(open) = Disputes::current(dispute) {
            assert!(SafeMode::is_entered(), "the dispute ends in safe mode");
            let call: RuntimeCall = match open.stage.turn() {
                assay_dispute::Party::Defender => {
                    let defence = defence(dispute, &open, &operator, &liar);
                    assert_ok!(include(general(defence)));
                    continue;
                },
                assay_dispute::Party::Challenger => {
                    let shown = Disputes::shown(id, &open.stage);
                    let choice =
                        witness.choose(&open.stage, shown.as_ref()).expect("it finds the lie");
                    pallet_disputes::Call::choose { dispute, choice }.into()
                },
            };
            challenger.submit(call);
        }
        assert!(matches!(record(id).status, Status::Final(Outcome::Rejected(_))));
        operator.submit(pallet_operators::Call::withdraw { version: version(0, 1) });

        // Governance goes on, and safe mode ends by itself.
        let index = propose(root(), frame_system::Call::remark { remark: vec![1] });
        vote(&[Dave], index, true, VOTE);
        go_until(|| System::block_number() == until, PAUSE_HOURS);
        assert!(SafeMode::is_entered());
        empty_block();
        let timeout = pallet_safe_mode::Event::Exited { reason: ExitReason::Timeout };
        assert!(events().contains(&RuntimeEvent::SafeMode(timeout)));
        assert_eq!(payer.include(transfer()), Ok(()));
    });
}

#[test]
fn the_committee_ends_safe_mode_early_and_only_root_extends_it() {
    run(|| {
        move_by(&[Alice, Bob], pallet_safe_mode::Call::force_enter {});
        let until = EnteredUntil::<Runtime>::get();
        move_by(&[Alice, Bob, Charlie], pallet_safe_mode::Call::force_extend {});
        assert_eq!(EnteredUntil::<Runtime>::get(), until);
        for call in [pallet_safe_mode::Call::enter {}, pallet_safe_mode::Call::extend {}] {
            assert!(include(signed(Ferdie, call)).is_err(), "there is no deposit for it");
        }
        assert_ok!(SafeMode::force_extend(frame_system::RawOrigin::Root.into()));
        assert_eq!(EnteredUntil::<Runtime>::get(), until.map(|until| until + PAUSE_HOURS));
        move_by(&[Alice, Charlie], pallet_safe_mode::Call::force_exit {});
        assert!(!SafeMode::is_entered());
    });
}

#[test]
fn one_call_is_closed_and_the_others_are_not() {
    run(|| {
        publish_integers(sp_runtime::Perbill::zero());
        let operator = Party::new("operator", 20_000 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        operator.register(10_000 * ASY);
        operator.serve(ASY, 4, both());
        let request =
            |key| request_call(&integer_payload(&[2, 3]), Assurance::Signed, ASY, 10, key);
        let before: RequestId = payer.request(request(1));
        let pause =
            pallet_tx_pause::Call::<Runtime>::pause { full_name: name("Inference", "request") };
        move_by(&[Bob, Charlie], pause);
        assert_eq!(payer.include(request(2)), closed());
        assert_eq!(payer.include(transfer()), Ok(()));
        let answer = result(before, &operator.account(), &operator.worker, &integer_payload(&[5]));
        assert_ok!(include(general(answer)));
        assert!(matches!(record(before).status, Status::Final(Outcome::Verified)));
        // It does not end by itself.
        go_until(|| System::block_number() > 200, 200);
        assert_eq!(payer.include(request(3)), closed());
        let unpause =
            pallet_tx_pause::Call::<Runtime>::unpause { ident: name("Inference", "request") };
        move_by(&[Bob, Charlie], unpause);
        operator.beat();
        payer.request(request(4));
    });
}
