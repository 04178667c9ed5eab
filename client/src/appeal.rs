//! Appeals: proofs of the right output of a quorum whose members disagreed.

use assay_primitives::{Dimension, ModelDescriptor, RequestId, Tensor};
use codec::Encode;

use crate::{
    calls,
    dispute::{DisputeProgress, ModelInput},
    Client, Error, Inclusion, Result, Signer,
};

/// The payload of an output that a version declares as one tensor of fixed shape.
fn declared(descriptor: &ModelDescriptor, data: Vec<u8>) -> Option<Vec<u8>> {
    let [declaration] = &descriptor.outputs[..] else { return None };
    let size = |dimension: &Dimension| match dimension {
        Dimension::Fixed(size) => Some(*size),
        Dimension::Free => None,
    };
    let shape = declaration.shape.iter().map(size).collect::<Option<Vec<u32>>>()?;
    Some(vec![Tensor { element_type: declaration.element_type, shape, data }].encode())
}

impl Client {
    /// Runs the model of a quorum on this machine, proves its output and submits the proof. Every
    /// member with another result is penalised, and the signer rewarded. Returns the payload of the
    /// right output.
    ///
    /// # Errors
    ///
    /// - [`Error::NotFound`]: there is no such request, or its version, input or model file is not
    ///   available.
    /// - [`Error::Invalid`]: the outcome cannot be appealed, the file is not an integer graph of the version's architecture, or the
    ///   run cannot be proven.
    /// - Those of [`Client::submit`].
    pub async fn appeal(
        &self,
        request: RequestId,
        signer: &Signer,
        progress: &(dyn Fn(DisputeProgress) + Sync),
    ) -> Result<(Vec<u8>, Inclusion)> {
        let view = self.existing_request(request).await?;
        if view.appealable_until.is_none() {
            return Err(Error::invalid(format!(
                "nothing can be appealed in request {request}: that takes a quorum whose members \
                 disagree, over a version that offers class proof and an input that is no artifact, \
                 and for five minutes after its end"
            )));
        }
        let ModelInput { version, graph, input } = self.model_input(&view, progress).await?;
        // The proof names the signer, so that nobody else can use it.
        let proven = self.prove_output(&view, signer.account(), &graph, &input)?;
        let output = declared(&version.descriptor, proven.output).ok_or_else(|| {
            Error::invalid("the version does not declare one tensor of fixed shape")
        })?;
        let call = calls::inference::appeal(request, output.clone(), proven.proof);
        let inclusion = self.submit(&call, signer).await?;
        Ok((output, inclusion))
    }
}
