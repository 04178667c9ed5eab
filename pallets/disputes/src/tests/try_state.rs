use assay_dispute::What;
use assay_primitives::RequestId;

use crate::{
    mock::*, Agenda, AgendaCursor, ByParty, ByRequest, Counts, NextDispute, Obsolete, OpenDisputes,
    Shown, Verdict, Verdicts,
};

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
        "a dispute is not in the index by request",
        disputed(|id| ByRequest::<Test>::remove(REQUEST, id)),
    );
    for party in [OPERATOR, CHALLENGER] {
        breaks(
            "a dispute is not in the index by party",
            disputed(move |id| ByParty::<Test>::remove(party, id)),
        );
    }
    breaks(
        "an index contains a dispute that is not open",
        disputed(|id| ByParty::<Test>::insert(STRANGER, id, ())),
    );
    breaks(
        "an index contains a dispute that is not open",
        disputed(|id| ByRequest::<Test>::insert(RequestId(3), id, ())),
    );
    breaks("what a dispute is about is missing", || {
        Case::honest().disputed_at(1);
        Shown::<Test>::remove(REQUEST, What::Roots);
    });
    breaks(
        "a dispute has spent more than its bond",
        disputed(|id| {
            OpenDisputes::<Test>::mutate(id, |dispute| dispute.as_mut().unwrap().spent = BOND + 1);
        }),
    );
    let shown = || assay_dispute::Shown::Roots(Default::default());
    breaks("what is shown is about no dispute, or is obsolete and disputed", || {
        Disputes::note_shown(REQUEST, What::Roots, Some(shown()));
    });
    breaks("what is shown is about no dispute, or is obsolete and disputed", || {
        Case::honest().disputed_at(1);
        Obsolete::<Test>::insert(REQUEST, ());
    });
    breaks(
        "something was shown at no time",
        disputed(|_| Shown::<Test>::insert(REQUEST, What::Roots, shown())),
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
