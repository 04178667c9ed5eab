//! A chain whose blocks the runtime's own wasm executes. Transactions are made natively, on its
//! state.
// Each test file uses a part of this one.
#![allow(dead_code)]

use assay_runtime::{Hash, Header, RuntimeCall, UncheckedExtrinsic};
use codec::{Decode, Encode};
use sp_core::traits::CallContext;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{ApplyExtrinsicResult, DispatchError, ExtrinsicInclusionMode};

use crate::{
    common::{begin, check_all, genesis_externalities, signed, GENESIS_HASH},
    wasm::WasmRuntime,
};

/// A chain with the genesis of the local network.
pub struct Chain {
    runtime: WasmRuntime,
    /// The state after the last block. Nothing is left in its overlay between blocks.
    state: sp_io::TestExternalities,
    parent: Hash,
}

impl Chain {
    /// The chain after the first, empty block.
    pub fn new() -> Self {
        let (runtime, state) = (WasmRuntime::new(), genesis_externalities());
        let mut chain = Self { runtime, state, parent: GENESIS_HASH };
        chain.empty_block();
        chain
    }

    /// Runs something natively on the state after the last block. What it changes is lost.
    pub fn read<R>(&mut self, read: impl FnOnce() -> R) -> R {
        let found = self.state.execute_with(read);
        self.state.reset_overlay();
        found
    }

    /// Makes the next block of these transactions, with its consensus digest and its timestamp.
    ///
    /// If the runtime traps, says where, and there is no block.
    pub fn block(
        &mut self,
        transactions: Vec<UncheckedExtrinsic>,
    ) -> Result<Vec<ApplyExtrinsicResult>, String> {
        let executed = self.execute(transactions);
        match &executed {
            Ok((header, _)) => {
                self.parent = header.hash();
                self.state.commit_all().expect("every call has closed its transactions");
            },
            // Transactions that the runtime had opened are still open.
            Err(_) => self.state.reset_overlay(),
        }
        executed.map(|(_, results)| results)
    }

    fn execute(
        &mut self,
        transactions: Vec<UncheckedExtrinsic>,
    ) -> Result<(Header, Vec<ApplyExtrinsicResult>), String> {
        let parent = self.parent;
        let (header, timestamp) = self.read(|| begin(parent));
        let _: ExtrinsicInclusionMode = self.call("Core_initialize_block", &header)?;
        self.apply(&timestamp)?
            .expect("the timestamp may enter")
            .expect("the timestamp fits the slot");
        let results = transactions.iter().map(|transaction| self.apply(transaction));
        let results = results.collect::<Result<_, _>>()?;
        Ok((self.call("BlockBuilder_finalize_block", &())?, results))
    }

    fn apply(&mut self, transaction: &UncheckedExtrinsic) -> Result<ApplyExtrinsicResult, String> {
        self.call("BlockBuilder_apply_extrinsic", transaction)
    }

    fn call<T: Decode>(&mut self, function: &str, arguments: &impl Encode) -> Result<T, String> {
        let context = CallContext::Onchain { import: false };
        self.runtime.call_on(&mut self.state.ext(), context, function, arguments)
    }

    /// A block without transactions.
    pub fn empty_block(&mut self) {
        self.block(Vec::new()).expect("an empty block does not trap");
    }

    /// Makes a block of one transaction that must enter it, made on the state before. Returns what
    /// came of it, or where the runtime trapped.
    pub fn include(
        &mut self,
        transaction: impl FnOnce() -> UncheckedExtrinsic,
    ) -> Result<Result<(), DispatchError>, String> {
        let transaction = self.read(transaction);
        let mut results = self.block(vec![transaction])?;
        Ok(results.pop().expect("one transaction").expect("it may enter"))
    }

    /// Makes a block of one transaction of an account that must succeed.
    pub fn submit(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
        assert_eq!(self.include(|| signed(who, call)), Ok(Ok(())));
    }

    /// Checks the invariants of every pallet of Assay.
    pub fn check_all(&mut self) {
        self.read(check_all);
    }
}
