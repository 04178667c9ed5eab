//! Executes the runtime's wasm as a node does.
// Each test file uses a part of this module.
#![allow(dead_code)]

use codec::{Decode, Encode};
use sc_executor::WasmExecutor;
use sp_core::traits::{CallContext, CodeExecutor, Externalities, RuntimeCode, WrappedRuntimeCode};
use sp_state_machine::BasicExternalities;

pub struct WasmRuntime {
    executor: WasmExecutor<sp_io::SubstrateHostFunctions>,
    code: Vec<u8>,
}

impl WasmRuntime {
    pub fn new() -> Self {
        let code = assay_runtime::WASM_BINARY.expect("built with its wasm");
        let code = sp_maybe_compressed_blob::decompress(code, 1 << 27).unwrap().into_owned();
        // The functions called here do not use an engine.
        let executor = WasmExecutor::builder().with_allow_missing_host_functions(true).build();
        Self { executor, code }
    }

    /// Calls a function of the runtime without state. Panics if the runtime traps.
    pub fn call<T: Decode>(&self, function: &str, arguments: &impl Encode) -> T {
        let state = &mut BasicExternalities::default();
        self.call_on(state, CallContext::Offchain, function, arguments).unwrap()
    }

    /// Calls a function of the runtime on a state. A trap is returned as an error.
    pub fn call_on<T: Decode>(
        &self,
        state: &mut dyn Externalities,
        context: CallContext,
        function: &str,
        arguments: &impl Encode,
    ) -> Result<T, String> {
        let code = WrappedRuntimeCode(self.code.as_slice().into());
        let code = RuntimeCode { code_fetcher: &code, heap_pages: None, hash: vec![1] };
        let (result, _) = self.executor.call(state, &code, function, &arguments.encode(), context);
        let bytes = result.map_err(|error| format!("{function}: {error}"))?;
        T::decode(&mut &bytes[..]).map_err(|error| format!("{function}: {error}"))
    }
}
