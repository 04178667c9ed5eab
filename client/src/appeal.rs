//! Appeals: proofs of the right output of a quorum whose members disagreed.

use assay_primitives::RequestId;

use crate::{
    calls,
    dispute::{with_data, DisputeProgress, ModelInput},
    Client, Error, Inclusion, Result, Signer,
};

impl Client {
    /// Runs the model of a quorum on this machine, proves its output and submits the proof. Every
    /// member with another result is penalised, and the signer rewarded. Returns the payload of the
    /// right output.
    ///
    /// # Errors
    ///
    /// - [`Error::NotFound`]: there is no such request, or it is not verified, or its version, input
    ///   or model file is not available. The input is gone once nothing can be appealed.
    /// - [`Error::Invalid`]: the file is not an integer graph of the version's architecture, or the
    ///   run cannot be proven.
    /// - Those of [`Client::submit`].
    pub async fn appeal(
        &self,
        request: RequestId,
        signer: &Signer,
        progress: &(dyn Fn(DisputeProgress) + Sync),
    ) -> Result<(Vec<u8>, Inclusion)> {
        let view = self.existing_request(request).await?;
        let (Some(winner), Some(operator)) = (&view.output, view.members.first()) else {
            return Err(Error::not_found(format!("request {request} has no output to appeal")));
        };
        let ModelInput { graph, input, .. } = self.model_input(&view, progress).await?;
        let proven = self.prove_output(&view, operator, &graph, &input)?;
        let output = with_data(winner, &proven.output);
        let call = calls::inference::appeal(request, output.clone(), proven.proof);
        let inclusion = self.submit(&call, signer).await?;
        Ok((output, inclusion))
    }
}
