//! Calls of the runtime's wasm, and contexts of proofs.

use std::time::Instant;

use anyhow::{anyhow, bail, Context as _, Result};
use assay_primitives::engine::ProofContext;
use assay_proof::Context;
use codec::{Decode, Encode};
use sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode};

/// Milliseconds since an instant.
pub fn milliseconds(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}

/// The context of proof `number`.
pub fn context(number: u64) -> ProofContext {
    ProofContext {
        genesis: [1; 32],
        domain: b"assay/bench/1".to_vec(),
        request: number.encode(),
        requester: [2; 32],
        operator: [3; 32],
    }
}

/// The same context in the form for provers.
pub fn borrowed(context: &ProofContext) -> Context<'_> {
    Context {
        genesis: context.genesis,
        domain: &context.domain,
        request: &context.request,
        requester: context.requester,
        operator: context.operator,
    }
}

/// The runtime's wasm, executed as in a node.
pub struct Runtime {
    executor: sc_executor::WasmExecutor<sp_io::SubstrateHostFunctions>,
    code: Vec<u8>,
}

impl Runtime {
    pub fn new() -> Result<Self> {
        let code = assay_runtime::WASM_BINARY.context(
            "the runtime was built without its wasm: unset SKIP_WASM_BUILD and build again",
        )?;
        let code = sp_maybe_compressed_blob::decompress(code, 1 << 27)
            .map_err(|e| anyhow!("the runtime's wasm: {e}"))?;
        // The host functions of the engine are missing, but verification does not call them.
        let executor =
            sc_executor::WasmExecutor::builder().with_allow_missing_host_functions(true).build();
        Ok(Self { executor, code: code.into_owned() })
    }

    /// Time of one verification in milliseconds, including the decoding of the arguments.
    pub fn verify(&self, call: &[u8]) -> Result<f64> {
        let (time, bytes) = self.call("AssayApi_verify_proof", call)?;
        match Result::<(), String>::decode(&mut &bytes[..])? {
            Ok(()) => Ok(time),
            Err(refusal) => bail!("the runtime refuses a proof: {refusal}"),
        }
    }

    /// Time of a call that does almost nothing, in milliseconds: the overhead of every call.
    pub fn idle(&self) -> Result<f64> {
        Ok(self.call("Core_version", &[])?.0)
    }

    /// Calls a function that needs no state. Returns the time in milliseconds and the encoded
    /// result.
    fn call(&self, function: &str, call: &[u8]) -> Result<(f64, Vec<u8>)> {
        let code = WrappedRuntimeCode(self.code.as_slice().into());
        let code = RuntimeCode { code_fetcher: &code, heap_pages: None, hash: vec![1] };
        let mut externalities = sp_state_machine::BasicExternalities::default();
        let started = Instant::now();
        let (result, _) =
            self.executor.call(&mut externalities, &code, function, call, CallContext::Offchain);
        let time = milliseconds(started);
        Ok((time, result.map_err(|e| anyhow!("{function} fails: {e}"))?))
    }
}
