//! The one connection of a sink: owns opening it when a call needs it, once for all that wait, and opening another one when
//! it takes no more calls.
//! It refuses to repeat: a connection that cannot be opened is the failure of those who waited for it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::AbortHandle};

use super::{
    failure,
    life::Life,
    link::{Link, Pings},
};
use crate::{
    contain::contained,
    lock::lock,
    sink::{
        SendError, SendErrorKind,
        net::{
            Peer,
            dial::Dial,
            dialler::Dialler,
            failure::{of_addresses, of_connect},
            fair::Fair,
        },
    },
};

/// Shortest time between two pings: whatever is asked for, they are no load.
const MIN_PING_INTERVAL: Duration = Duration::from_millis(10);
/// Longest time between two pings, however often the peer has asked for fewer.
const MAX_PING_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The connection of a sink.
pub(super) struct Channel {
    slot: Mutex<Option<Opening>>,
}

/// How connections are opened.
pub(super) struct Way {
    pub dialler: Dialler,
    pub authority: String,
    pub pings: Option<Pings>,
    /// How often the time between pings has been doubled.
    pub slower: AtomicU32,
}

type Opened = Result<Arc<Link>, SendError>;

/// A connection that is being opened, or stands.
struct Opening {
    opened: watch::Receiver<Option<Opened>>,
    task: AbortHandle,
}

impl Drop for Opening {
    fn drop(&mut self) {
        contained((), || self.task.abort());
    }
}

impl Opening {
    fn start(way: Arc<Way>) -> Opening {
        let (sender, opened) = watch::channel(None);
        let task = tokio::spawn(async move {
            let result = way.open().await;
            sender.send_replace(Some(result));
        });
        Opening { opened, task: task.abort_handle() }
    }

    fn is_of_use(&self) -> bool {
        match &*self.opened.borrow() {
            Some(Ok(link)) => link.takes_calls(),
            Some(Err(_)) => false,
            None => self.opened.has_changed().is_ok(), // else its runtime has ended
        }
    }
}

impl Channel {
    /// Opens nothing yet.
    pub fn new() -> Channel {
        Channel { slot: Mutex::default() }
    }

    /// A connection that takes calls, as far as that is known.
    pub async fn link(&self, way: &Arc<Way>) -> Opened {
        let mut opened = self.opening(way);
        match opened.wait_for(Option::is_some).await {
            Ok(link) => link.clone().unwrap_or_else(|| Err(failure::dropped())),
            Err(_) => Err(failure::dropped()),
        }
    }

    fn opening(&self, way: &Arc<Way>) -> watch::Receiver<Option<Opened>> {
        let mut slot = lock(&self.slot);
        if let Some(opening) = slot.as_ref().filter(|opening| opening.is_of_use()) {
            return opening.opened.clone();
        }
        if let Some(Opening { opened, .. }) = &*slot
            && let Some(Ok(link)) = &*opened.borrow()
            && link.life.is_pinged_too_often()
        {
            way.slower.fetch_add(1, Ordering::Relaxed);
        }
        let opening = slot.insert(Opening::start(Arc::clone(way)));
        opening.opened.clone()
    }
}

impl Way {
    async fn open(&self) -> Opened {
        let mut unreached: Vec<SendError> = Vec::new();
        let dial = Dial::default();
        loop {
            let error = match self.open_one(&dial).await {
                Ok(link) => return Ok(link),
                Err(error) => error,
            };
            if error.syscall != Some("connect") {
                return Err(failure::no_connection(error, &self.authority));
            }
            unreached.push(error);
            if !dial.advance() {
                return Err(failure::no_connection(of_addresses(unreached), &self.authority));
            }
        }
    }

    async fn open_one(&self, dial: &Dial) -> Opened {
        let life = Arc::new(Life::new());
        let proven = Arc::clone(&life);
        let fair = move |socket| Fair::new(socket, move || proven.is_proven());
        let destination = &self.dialler.destination;
        let opened = self.dialler.open(dial, fair).await;
        let peer = || destination.peer(dial.next_address());
        let socket = opened.map_err(|error| of_connect(&*error, peer))?;
        let peer = match peer() {
            Some(Peer { address, port: Some(port) }) if address.contains(':') => {
                format!("[{address}]:{port}")
            }
            Some(Peer { address, port: Some(port) }) => format!("{address}:{port}"),
            Some(Peer { address, port: None }) => address,
            None => self.authority.clone(),
        };
        // The greeting fits into the socket's buffer; a peer that has gone meanwhile is told by the first read.
        let opened =
            tokio::time::timeout(self.dialler.limit, Link::open(socket, life, peer, self.pings()));
        let too_slow = || SendError::new(SendErrorKind::TimedOut, "connect ETIMEDOUT");
        opened.await.map_err(|_| too_slow().with_code("ETIMEDOUT"))?
    }

    fn pings(&self) -> Option<Pings> {
        Some(slowed(self.pings?, self.slower.load(Ordering::Relaxed)))
    }
}

/// Pings after the peer has asked `times` times for fewer.
fn slowed(pings: Pings, times: u32) -> Pings {
    let factor = 1_u32.checked_shl(times).unwrap_or(u32::MAX);
    let first = pings.interval.max(MIN_PING_INTERVAL);
    let interval = first.saturating_mul(factor).min(MAX_PING_INTERVAL.max(first));
    Pings { interval, ..pings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_pings_doubles_each_time_that_the_peer_asks_for_fewer() {
        let after = |millis, times| {
            let interval = Duration::from_millis(millis);
            slowed(Pings { interval, timeout: Pings::TIMEOUT }, times).interval.as_millis()
        };
        assert_eq!(
            [0, 1, 2, 5].map(|times| after(30_000, times)),
            [30_000, 60_000, 120_000, 960_000]
        );
        assert_eq!([20, 31, 32, 99].map(|times| after(30_000, times)), [86_400_000; 4]);
        assert_eq!(after(0, 0), 10);
        assert_eq!(after(100_000_000, 3), 100_000_000);
    }
}
