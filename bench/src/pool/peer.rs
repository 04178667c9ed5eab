//! A peer that is no node: it speaks the two network protocols that it needs to send transactions.
//!
//! A node takes transactions only from peers with which it exchanges block announcements. The
//! handshake of these names the peer's role and best block; nothing checks either.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use assay_primitives::{BlockNumber, Digest};
use assay_runtime::RuntimeCall;
use codec::{Compact, Encode};
use futures::StreamExt;
use litep2p::{
    config::ConfigBuilder,
    protocol::notification::{
        ConfigBuilder as ProtocolBuilder, NotificationEvent, NotificationHandle, NotificationSink,
        ValidationResult,
    },
    transport::tcp::config::Config as TcpConfig,
    types::multiaddr::Multiaddr,
    Litep2p, Litep2pEvent, PeerId, ProtocolName,
};
use tokio::sync::{oneshot, watch};

use super::calls::workers_call;

/// Role of a node that is no validator, in the handshakes.
const FULL_NODE: u8 = 1;
/// Maximum size of a block announcement in bytes.
const MAX_ANNOUNCE_BYTES: usize = 1 << 20;
/// Maximum size of a message with transactions in bytes.
const MAX_TRANSACTIONS_BYTES: usize = 16 << 20;
/// Maximum time until a node accepts both protocols.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum time until a node reads a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// The chain as the handshake describes it.
#[derive(Clone, Copy, Debug)]
pub struct ChainHead {
    pub genesis: Digest,
    pub number: BlockNumber,
    pub hash: Digest,
}

/// A connection to one node, with a peer id of its own.
pub struct Peer {
    sink: NotificationSink,
    heard: watch::Receiver<Option<Arc<RuntimeCall>>>,
    connection: tokio::task::JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Peer {
    /// Connects to a node, and waits until it accepts transactions.
    ///
    /// # Errors
    ///
    /// The node refuses the connection or a protocol, or does not answer in time.
    pub async fn connect(address: &str, head: ChainHead) -> Result<Self> {
        let address: Multiaddr = address.parse().context("not a multiaddress")?;
        let node = PeerId::try_from_multiaddr(&address).context("an address without a peer id")?;
        let genesis = head.genesis;
        let protocol = |name: &str, size: usize, handshake: Vec<u8>| {
            ProtocolBuilder::new(ProtocolName::from(format!("/{genesis:x}/{name}/1")))
                .with_max_size(size)
                .with_handshake(handshake)
                .build()
        };
        let handshake = (FULL_NODE, head.number, head.hash, head.genesis).encode();
        let (announcing, announces) = protocol("block-announces", MAX_ANNOUNCE_BYTES, handshake);
        let (sending, transactions) =
            protocol("transactions", MAX_TRANSACTIONS_BYTES, vec![FULL_NODE]);
        let config = ConfigBuilder::new()
            .with_tcp(TcpConfig {
                listen_addresses: vec!["/ip4/127.0.0.1/tcp/0".parse()?],
                ..Default::default()
            })
            .with_notification_protocol(announcing)
            .with_notification_protocol(sending)
            .build();
        let mut network = Litep2p::new(config)?;
        network.add_known_address(node, std::iter::once(address));
        announces.open_substream(node).await?;
        let (opened, open) = oneshot::channel();
        let (hear, heard) = watch::channel(None);
        let handles = Handles { network, announces, transactions };
        let connection = tokio::spawn(handles.run(opened, hear));
        let sink = tokio::time::timeout(CONNECT_TIMEOUT, open).await;
        let sink = sink.context("the node does not open the protocol of transactions")?;
        Ok(Self { sink: sink.context("the node closed the connection")?, heard, connection })
    }

    /// Sends encoded transactions in one message.
    ///
    /// # Errors
    ///
    /// The node has closed the connection, or does not read the message in time.
    pub async fn send(&self, transactions: &[Vec<u8>]) -> Result<()> {
        // An encoded transaction begins with its length.
        let mut message = Compact(u32::try_from(transactions.len())?).encode();
        transactions.iter().for_each(|transaction| message.extend(transaction));
        let sending = self.sink.send_async_notification(message);
        Ok(tokio::time::timeout(SEND_TIMEOUT, sending)
            .await
            .context("the node reads nothing")??)
    }

    /// The latest call of a worker that the node has propagated.
    pub fn heard(&self) -> Option<Arc<RuntimeCall>> {
        self.heard.borrow().clone()
    }

    /// Whether the node has closed the connection.
    pub fn is_closed(&self) -> bool {
        self.connection.is_finished()
    }
}

/// What drives a connection.
struct Handles {
    network: Litep2p,
    announces: NotificationHandle,
    transactions: NotificationHandle,
}

impl Handles {
    /// Accepts what the node opens, until it closes one of the protocols.
    async fn run(
        mut self,
        opened: oneshot::Sender<NotificationSink>,
        hear: watch::Sender<Option<Arc<RuntimeCall>>>,
    ) {
        let mut opened = Some(opened);
        loop {
            tokio::select! {
                event = self.network.next_event() => match event {
                    Some(Litep2pEvent::ConnectionEstablished { .. }) => {},
                    _ => return,
                },
                event = self.announces.next() => match event {
                    Some(NotificationEvent::ValidateSubstream { peer, .. }) => {
                        self.announces.send_validation_result(peer, ValidationResult::Accept);
                    },
                    Some(NotificationEvent::NotificationStreamOpened { .. }
                        | NotificationEvent::NotificationReceived { .. }) => {},
                    _ => return,
                },
                event = self.transactions.next() => match event {
                    Some(NotificationEvent::ValidateSubstream { peer, .. }) => {
                        self.transactions.send_validation_result(peer, ValidationResult::Accept);
                    },
                    Some(NotificationEvent::NotificationStreamOpened { peer, .. }) => {
                        let sink = self.transactions.notification_sink(peer);
                        if let Some((opened, sink)) = opened.take().zip(sink) {
                            // Nobody waits after a timeout.
                            let _ = opened.send(sink);
                        }
                    },
                    Some(NotificationEvent::NotificationReceived { notification, .. }) => {
                        // A node sends lists of one transaction.
                        if let Some(call) = notification.get(1..).and_then(workers_call) {
                            hear.send_replace(Some(Arc::new(call)));
                        }
                    },
                    _ => return,
                },
            }
        }
    }
}
