//! Views for clients, assembled from the state of several pallets.

use assay_primitives::{
    dispute::{DisputeId, Verdict},
    runtime_api::{
        ArtifactView, Assignment, DisputeView, OperatorView, OptimisticView, ServiceView,
        VersionView,
    },
    traits::{Bonds as _, OptimisticResults, Verification as _},
    Digest, RequestId, VersionId,
};
use codec::Encode;

use crate::{
    constants::{LostDisputeSlash, WrongResultSlash},
    AccountId, Disputes, Inference, Operators, Runtime, Settlement, Verification,
};

/// Maximum number of disputes in the view of a result.
const MAX_DISPUTES: u32 = 64;

/// A version, with its owner, its operators and the state of its audit.
pub fn version_view(id: VersionId) -> Option<VersionView<AccountId>> {
    let version = pallet_model_registry::Versions::<Runtime>::get(id)?;
    let model = pallet_model_registry::Models::<Runtime>::get(id.model)?;
    Some(VersionView {
        id,
        owner: model.owner,
        name: model.name.into_inner(),
        digest: version.digest,
        royalty_ppm: version.royalty.deconstruct() / 1_000,
        licence: version.licence.into_inner(),
        deprecated: version.deprecated,
        open_requests: version.uses,
        operators: pallet_operators::Servers::<Runtime>::decode_len(id).unwrap_or(0) as u32,
        proof: version.proof,
        audit: pallet_model_registry::Audits::<Runtime>::get(id),
        descriptor: version.descriptor,
    })
}

/// An operator, with its bond and its offers.
pub fn operator_view(account: AccountId) -> Option<OperatorView<AccountId>> {
    let operator = pallet_operators::Operators::<Runtime>::get(&account)?;
    let serves = pallet_operators::Served::<Runtime>::get(&account)
        .into_iter()
        .filter_map(|version| {
            let servers = pallet_operators::Servers::<Runtime>::get(version);
            let server = servers.into_iter().find(|server| server.account == account)?;
            Some(ServiceView {
                version,
                ask: server.ask,
                concurrency: server.concurrency,
                response_blocks: server.response_blocks,
                max_royalty_ppm: server.max_royalty.deconstruct() / 1_000,
                outvoted: server.outvoted,
                failed: server.failed,
                classes: server.classes,
            })
        })
        .collect();
    Some(OperatorView {
        bond: Settlement::bonded(&account),
        live: Operators::is_live(&operator),
        worker: operator.worker,
        last_heartbeat: operator.last_heartbeat,
        engine: operator.engine,
        at_stake: operator.locked,
        owed: operator.owed,
        open_assignments: operator.open,
        unbonding_until: operator.unbonding_until,
        serves,
        account,
    })
}

/// An artifact or an announcement of one.
pub fn artifact_view(
    identity: Digest,
    artifact: pallet_storage::Artifact<AccountId>,
) -> ArtifactView<AccountId> {
    ArtifactView {
        manifest: artifact.manifest(identity),
        missing: artifact.missing(),
        owner: artifact.owner,
    }
}

/// A request, as an operator drawn for it sees it.
pub fn assignment(id: RequestId) -> Option<Assignment> {
    let request = pallet_inference::Requests::<Runtime>::get(id)?;
    Some(Assignment {
        request: id,
        version: request.version,
        assurance: request.assurance,
        deadline: request.deadline,
        status: request.status,
    })
}

/// The optimistic result of a request, with its open disputes.
pub fn optimistic_view(request: RequestId) -> Option<OptimisticView<AccountId>> {
    let result = <Inference as OptimisticResults<AccountId>>::result(request)?;
    Some(OptimisticView {
        request,
        output: Verification::shown_output(request, &result.operator)?,
        operator: result.operator,
        trace_root: result.trace_root,
        disputable_until: result.disputable_until,
        disputes: Disputes::open_disputes(Some(request), MAX_DISPUTES),
        next_bond: Disputes::next_bond(request),
    })
}

/// An open dispute, with the penalty and the reward if the operator loses.
pub fn dispute_view(id: DisputeId) -> Option<DisputeView<AccountId>> {
    let dispute = Disputes::current(id)?;
    let verdict = pallet_disputes::Verdicts::<Runtime>::get(dispute.request)
        .or(Disputes::is_computed(&dispute).then_some(Verdict::Right));
    Some(DisputeView {
        id,
        request: dispute.request,
        operator: dispute.operator,
        challenger: dispute.challenger,
        bond: dispute.bond,
        spent: dispute.spent,
        penalty: WrongResultSlash::get(),
        reward: LostDisputeSlash::get(),
        opened_at: dispute.opened_at,
        deadline: dispute.deadline,
        response: dispute.response,
        stage: dispute.stage.encode(),
        shown: Disputes::shown(dispute.request, &dispute.stage).encode(),
        verdict,
    })
}
