//! Class `Optimistic`: a result that becomes final when its window has passed, unless somebody
//! shows that it is wrong.

use alloc::vec::Vec;
use assay_primitives::{
    digest,
    dispute::{tensor_data, Disputes, OptimisticResult, OptimisticResults, TraceStatement},
    engine::{Job, JobInput},
    runtime_api::Status,
    traits::{Artifacts, MemberState, Models, OnRequestFinal, Operators, Verification},
    Assurance, BlockNumber, Digest, RequestId, Statement, WorkerSignature,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    defensive, ensure,
    pallet_prelude::{
        InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction,
    },
    weights::Weight,
    BoundedVec,
};
use scale_info::TypeInfo;

use crate::{
    authorize::{refusal, refuse, Assigned},
    Claims, Config, Inputs, Pallet, Request, Requests, WeightInfo,
};

/// What an operator claims beside its output, and for how long it may be disputed.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Claim {
    /// Root of the trace.
    pub trace_root: Digest,
    /// Last height at which a dispute may be opened.
    pub disputable_until: BlockNumber,
}

/// The two signatures that come with an optimistic result: over the result, for the receipt, and
/// over the root of its trace, for disputes.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TraceSignatures {
    /// Over the `ResultStatement`.
    pub result: WorkerSignature,
    /// Over the `TraceStatement`.
    pub trace: WorkerSignature,
}

impl<T: Config> Pallet<T> {
    /// The statement that an operator signs about its trace.
    pub(crate) fn trace_statement(
        id: RequestId,
        operator: &T::AccountId,
        output_digest: Digest,
        trace_root: Digest,
    ) -> TraceStatement<T::AccountId> {
        TraceStatement {
            genesis: Self::genesis(),
            request: id,
            output_digest,
            trace_root,
            operator: operator.clone(),
        }
    }

    pub(crate) fn authorize_trace(
        _source: TransactionSource,
        id: &RequestId,
        operator: &T::AccountId,
        output: &BoundedVec<u8, T::MaxOutputBytes>,
        trace_root: &Digest,
        signatures: &TraceSignatures,
    ) -> Result<(ValidTransaction, Weight), TransactionValidityError> {
        let Assigned { request, worker, state } =
            Self::assigned(*id, operator, |request| request.deadline)?;
        ensure!(request.assurance == Assurance::Optimistic, refuse(refusal::WRONG_PHASE));
        ensure!(state == MemberState::Silent, refuse(refusal::TWICE));
        Self::check_output(&request, output)?;
        let output_digest = digest(output);
        let trace = Self::trace_statement(*id, operator, output_digest, *trace_root);
        ensure!(
            Self::statement(*id, &request, operator, output_digest, None)
                .is_signed_by(&worker, &signatures.result)
                && trace.is_signed_by(&worker, &signatures.trace),
            InvalidTransaction::BadProof
        );
        Self::admit("AssayTrace", *id, &request, operator, request.deadline)
    }

    /// The window of a result is over: it becomes final, unless a dispute still goes on. Then the
    /// end of the last dispute ends it.
    pub(crate) fn pass_window(id: RequestId, request: Request<T::AccountId>) {
        let over = Claims::<T>::get(id).is_some_and(|claim| Self::now() > claim.disputable_until);
        if over && !T::Disputes::are_open(id) {
            Self::conclude(id, request);
        }
    }

    /// A request whose result may be disputed, with its one operator.
    fn disputed(id: RequestId) -> Option<(Request<T::AccountId>, T::AccountId, Claim)> {
        let claim = Claims::<T>::get(id)?;
        let request =
            Requests::<T>::get(id).filter(|request| request.status == Status::Submitted)?;
        let operator = request.members.first()?.account.clone();
        Some((request, operator, claim))
    }
}

impl<T: Config> OptimisticResults<T::AccountId> for Pallet<T> {
    fn result(request: RequestId) -> Option<OptimisticResult<T::AccountId>> {
        let (_, operator, claim) = Self::disputed(request)?;
        Some(OptimisticResult {
            worker: T::Operators::worker(&operator),
            operator,
            trace_root: claim.trace_root,
            disputable_until: claim.disputable_until,
        })
    }

    fn architecture(request: RequestId) -> Option<Vec<u8>> {
        T::Models::architecture(Requests::<T>::get(request)?.version)
    }

    fn input(request: RequestId) -> Option<Vec<u8>> {
        tensor_data(&Inputs::<T>::get(request)?)
    }

    fn output(request: RequestId) -> Option<Vec<u8>> {
        let (_, operator, _) = Self::disputed(request)?;
        tensor_data(&T::Verification::shown_output(request, &operator)?)
    }

    fn disputable() -> Vec<RequestId> {
        let now = Self::now();
        Claims::<T>::iter()
            .filter(|(_, claim)| now <= claim.disputable_until)
            .map(|(request, _)| request)
            .collect()
    }

    fn job(id: RequestId, wait_ms: u32) -> Option<Job> {
        let request = Requests::<T>::get(id)?;
        let descriptor = T::Models::terms(request.version)?.descriptor;
        let artifact = T::Artifacts::complete(&descriptor.artifact)?;
        let input = JobInput::Inline(Inputs::<T>::get(id)?.into_inner());
        Some(Job { request: id, artifact, descriptor, input, wait_ms, prove: None })
    }

    fn uphold(id: RequestId) {
        if let Some((request, _, _)) = Self::disputed(id) {
            Self::pass_window(id, request);
        }
    }

    fn accept(id: RequestId) {
        match Self::disputed(id) {
            Some((request, _, _)) => Self::conclude(id, request),
            None => {
                defensive!("a result that is not there was proven");
            },
        }
    }

    fn reject(id: RequestId, challenger: &T::AccountId) {
        match Self::disputed(id) {
            Some((request, _, _)) => Self::reject_result(id, request, challenger),
            None => {
                defensive!("a result that is not there was rejected");
            },
        }
    }

    fn weight() -> Weight {
        T::WeightInfo::reject_result()
            .max(T::WeightInfo::pass_window())
            .saturating_add(T::OnRequestFinal::weight())
    }
}
