//! Calls of root, which Alice makes on local networks.

use anyhow::{ensure, Context, Result};
use assay_client::{Call, Client, Inclusion, Signer};
use codec::{Encode, Output};
use subxt::{OnlineClient, SubstrateConfig};

/// An encoded call.
struct Encoded(Vec<u8>);

impl Encode for Encoded {
    fn encode_to<T: Output + ?Sized>(&self, into: &mut T) {
        into.write(&self.0);
    }
}

/// Makes a call as root, and waits until it is final.
///
/// # Errors
///
/// The chain refuses the call, or it fails.
pub async fn sudo(client: &Client, call: &Call) -> Result<Inclusion> {
    let chain = OnlineClient::<SubstrateConfig>::from_insecure_url(client.rpc().url()).await?;
    let encoded = chain.at_current_block().await?.transactions().call_data(call)?;
    let outer = Call::new("Sudo", "sudo").with("call", Encoded(encoded));
    let included = client.submit_final(&outer, &Signer::from_suri("//Alice")?).await?;
    let events = chain.at_block(u64::from(included.height)).await?.events().fetch().await?;
    let mut results = Vec::new();
    for event in events.iter() {
        let event = event?;
        if (event.pallet_name(), event.event_name()) == ("Sudo", "Sudid") {
            results.push(event.field_bytes().to_vec());
        }
    }
    let result = results.first().context("there is no event of the call of root")?;
    ensure!(result.first() == Some(&0), "{} failed as root: {result:?}", call.path());
    Ok(included)
}
