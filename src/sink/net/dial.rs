//! Dialling: owns which address of a name is tried next, and whether a connection is new.
//! It refuses to open sockets: that is the connector's.

use std::{
    future::Future,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use super::Peer;
use crate::lock::lock;
use crate::sink::{SendError, SendErrorKind};

tokio::task_local! {
    static CURRENT: Arc<Dial>;
}

/// One exchange's search for a connection.
#[derive(Debug, Default)]
pub(in crate::sink) struct Dial {
    plan: Mutex<Plan>,
}

#[derive(Debug, Default)]
struct Plan {
    addresses: Vec<IpAddr>,
    /// Index of the address being tried.
    at: usize,
    /// The address being tried took the connection.
    reached: bool,
    /// A connection was opened for this exchange.
    connected: bool,
}

impl Dial {
    /// The search of the exchange that runs in this task.
    pub fn current() -> Arc<Dial> {
        CURRENT.try_with(Arc::clone).unwrap_or_default()
    }

    /// Runs `future` as an exchange that searches through this.
    pub async fn scope<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        CURRENT.scope(Arc::clone(self), future).await
    }

    fn locked(&self) -> MutexGuard<'_, Plan> {
        lock(&self.plan)
    }

    /// The address to try, once a look-up gave some.
    pub fn next_address(&self) -> Option<IpAddr> {
        let plan = self.locked();
        plan.addresses.get(plan.at).copied()
    }

    /// Takes the result of a look-up; answers the first address to try.
    pub fn plan(&self, addresses: Vec<IpAddr>) -> Option<IpAddr> {
        let mut plan = self.locked();
        *plan = Plan { addresses, connected: plan.connected, ..Plan::default() };
        plan.addresses.first().copied()
    }

    /// Moves to the next address; `false` when all were tried, or when this one answered: then it is the one, as in Node.
    pub fn advance(&self) -> bool {
        let mut plan = self.locked();
        plan.at += usize::from(!plan.reached);
        !plan.reached && plan.at < plan.addresses.len()
    }

    /// The address being tried took the connection; TLS and HTTP come yet.
    pub fn note_reached(&self) {
        self.locked().reached = true;
    }

    /// Whether this exchange opened a connection of its own, as opposed to one kept from before.
    pub fn connected(&self) -> bool {
        self.locked().connected
    }

    /// This exchange has opened one.
    pub fn note_connected(&self) {
        self.locked().connected = true;
    }

    /// Whether the address being tried is not the last.
    pub fn has_more(&self) -> bool {
        let plan = self.locked();
        plan.at + 1 < plan.addresses.len()
    }
}

/// Node's connect error: `connect CODE address:port`.
pub(in crate::sink) fn connect_error(
    code: &'static str,
    kind: SendErrorKind,
    peer: Option<Peer>,
) -> SendError {
    let message = match &peer {
        Some(Peer { address, port: Some(port) }) => format!("connect {code} {address}:{port}"),
        Some(Peer { address, port: None }) => format!("connect {code} {address}"),
        None => format!("connect {code}"),
    };
    let (address, port) = peer.map_or((None, None), |peer| (Some(peer.address), peer.port));
    SendError {
        syscall: Some("connect"),
        address,
        port,
        ..SendError::new(kind, message).with_code(code)
    }
}
