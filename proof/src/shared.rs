//! A Merkle commitment scheme whose prover data is shared instead of copied.
//!
//! Opening a commitment consumes its prover data. The weights are opened with each proof, and their
//! prover data is as large as the encoded codeword. Sharing makes a copy of it a pointer.

use alloc::{sync::Arc, vec::Vec};
use p3_commit::{BatchOpening, BatchOpeningRef, Mmcs};
use p3_matrix::{Dimensions, Matrix};

/// Wraps a commitment scheme so that its prover data is behind an [`Arc`].
#[derive(Clone, Debug)]
pub(crate) struct SharedMmcs<M>(pub M);

impl<T: Send + Sync + Clone, M: Mmcs<T>> Mmcs<T> for SharedMmcs<M> {
    type ProverData<Mat> = Arc<M::ProverData<Mat>>;
    type Commitment = M::Commitment;
    type Proof = M::Proof;
    type MultiProof = M::MultiProof;
    type Error = M::Error;

    fn commit<Mat: Matrix<T>>(
        &self,
        inputs: Vec<Mat>,
    ) -> (Self::Commitment, Self::ProverData<Mat>) {
        let (commitment, prover_data) = self.0.commit(inputs);
        (commitment, Arc::new(prover_data))
    }

    fn open_batch<Mat: Matrix<T>>(
        &self,
        index: usize,
        prover_data: &Self::ProverData<Mat>,
    ) -> BatchOpening<T, Self> {
        let (values, proof) = self.0.open_batch(index, prover_data).unpack();
        BatchOpening::new(values, proof)
    }

    fn get_matrices<'a, Mat: Matrix<T>>(
        &self,
        prover_data: &'a Self::ProverData<Mat>,
    ) -> Vec<&'a Mat> {
        self.0.get_matrices(prover_data)
    }

    fn verify_batch(
        &self,
        commitment: &Self::Commitment,
        dimensions: &[Dimensions],
        index: usize,
        opening: BatchOpeningRef<'_, T, Self>,
    ) -> Result<(), Self::Error> {
        let opening = BatchOpeningRef::new(opening.opened_values, opening.opening_proof);
        self.0.verify_batch(commitment, dimensions, index, opening)
    }

    fn open_multi_batch<Mat: Matrix<T>>(
        &self,
        indices: &[usize],
        prover_data: &Self::ProverData<Mat>,
    ) -> (Vec<Vec<Vec<T>>>, Self::MultiProof) {
        self.0.open_multi_batch(indices, prover_data)
    }

    fn verify_multi_batch<R: AsRef<[T]> + PartialEq>(
        &self,
        commitment: &Self::Commitment,
        dimensions: &[Dimensions],
        indices: &[usize],
        opened_values: &[Vec<R>],
        proof: &Self::MultiProof,
    ) -> Result<(), Self::Error> {
        self.0.verify_multi_batch(commitment, dimensions, indices, opened_values, proof)
    }
}
