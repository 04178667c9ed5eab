use crate::{mock::*, Agenda, AgendaCursor, Counts, NextDispute, OpenDisputes, Verdict, Verdicts};

fn disputed(break_it: impl FnOnce(assay_primitives::dispute::DisputeId)) -> impl FnOnce() {
    || {
        break_it(Case::honest().disputed());
    }
}

#[test]
fn each_broken_invariant_is_noticed() {
    breaks(
        "the agenda has an entry below its cursor",
        disputed(|_| AgendaCursor::<Test>::put(100)),
    );
    breaks("a dispute's identifier is not below the next one", disputed(NextDispute::<Test>::put));
    breaks(
        "a dispute is not on the agenda",
        disputed(|id| {
            OpenDisputes::<Test>::mutate(id, |dispute| dispute.as_mut().unwrap().deadline += 1);
        }),
    );
    breaks(
        "a disputed result and its verdict disagree",
        disputed(|_| {
            Results::mutate(|results| results.clear());
        }),
    );
    breaks(
        "a disputed result and its verdict disagree",
        disputed(|_| {
            Verdicts::<Test>::insert(REQUEST, Verdict::Wrong);
        }),
    );
    breaks(
        "the agenda contains an entry that is not open",
        disputed(|id| {
            Agenda::<Test>::insert(50, id, ());
        }),
    );
    breaks(
        "the counts are not those of disputes",
        disputed(|_| {
            Counts::<Test>::insert(REQUEST, 2);
        }),
    );
    breaks("a verdict without a dispute", || Verdicts::<Test>::insert(REQUEST, Verdict::Right));
    breaks(
        "bonds are not what is held",
        disputed(|_| {
            Held::mutate(|held| *held.get_mut(&CHALLENGER).unwrap() += 1);
        }),
    );
}
