//! One HTTP/2 connection: owns its handshake, taking calls, and its driver with pings and the end of idleness.
//! It refuses to choose when there is to be another one: that is the channel's.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use h2::{
    Ping, PingPong, Reason,
    client::{Builder, Connection, ResponseFuture, SendRequest},
};
use hyper::Request;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    failure::{self, Unanswered},
    life::{Life, Usage},
    message::Framed,
    wire::Wire,
};
use crate::{
    contain::contained,
    lock::lock,
    sink::{
        SendError, SendErrorKind,
        net::{broken_writes::BrokenWrites, socket::Socket},
    },
};

/// Headers or trailers of an answer, decoded; what Node reads.
const MAX_HEADER_LIST_BYTES: u32 = 64 * 1024;
/// Longest time without a call, as grpc-js has it.
const MAX_IDLE: Duration = Duration::from_secs(30 * 60);
/// What a connection without calls has to say goodbye in.
const GOODBYE: Duration = Duration::from_secs(1);

/// When the peer is asked whether it is there, while a call is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pings {
    /// Time between two pings.
    pub interval: Duration,
    /// Time for the answer; without one the connection is given up.
    pub timeout: Duration,
}

impl Pings {
    /// Time for an answer, unless the user names another.
    pub const TIMEOUT: Duration = Duration::from_secs(20);
}

/// One HTTP/2 connection.
pub(super) struct Link {
    /// `None`: it takes no more calls.
    requests: Mutex<Option<SendRequest<Framed>>>,
    pub life: Arc<Life>,
    /// Who is at the other end.
    pub peer: String,
}

type Stream = Wire<BrokenWrites<Box<dyn Socket>>>;

impl Link {
    /// Begins HTTP/2 on a fresh connection and has the runtime drive it.
    pub async fn open(
        socket: Box<dyn Socket>,
        life: Arc<Life>,
        peer: String,
        pings: Option<Pings>,
    ) -> Result<Arc<Link>, SendError> {
        let stream = Wire::new(BrokenWrites::new(socket), Arc::clone(&life), peer.clone());
        let opened = Builder::new()
            .enable_push(false)
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .handshake::<_, Framed>(stream)
            .await;
        let (requests, mut connection) =
            opened.map_err(|error| life.end().unwrap_or_else(|| failure::of_connection(&error)))?;
        let pongs = connection.ping_pong();
        let link =
            Arc::new(Link { requests: Mutex::new(Some(requests)), life: Arc::clone(&life), peer });
        let retire = Arc::downgrade(&link);
        let driver = Driver {
            connection,
            life,
            pings: pings.and_then(|pings| Some((pings, pongs?))),
            asked: None,
            heard: Instant::now(),
            alarm: None,
            retire: Box::new(move || {
                if let Some(link) = retire.upgrade() {
                    link.retire();
                }
            }),
        };
        tokio::spawn(driver);
        Ok(link)
    }

    /// Whether it takes calls. That it has ended may not be known yet.
    pub fn takes_calls(&self) -> bool {
        lock(&self.requests).is_some() && self.life.end().is_none()
    }

    /// It takes no more calls; those under way go on. Without any it closes.
    pub fn retire(&self) {
        let requests = lock(&self.requests).take();
        drop(requests);
        self.life.retire();
    }

    /// Starts a call. Dropping both parts of the result resets its stream.
    pub fn start(
        &self,
        head: Request<()>,
        message: Framed,
    ) -> Result<(ResponseFuture, UnderWay), Unanswered> {
        let requests = lock(&self.requests).clone();
        let Some(mut requests) = requests else {
            return Err(Unanswered::Leaving(failure::dropped()));
        };
        let under_way = UnderWay::new(&self.life);
        // A call that finds no stream free waits in the library, which sends nothing of it until there is one.
        let sent = requests.send_request(head, false).and_then(|(response, mut stream)| {
            stream.send_data(message, true)?;
            Ok(response)
        });
        match sent {
            Ok(response) => Ok((response, under_way)),
            Err(error) => Err(match failure::of_stream(&error, self.life.end()) {
                // Nothing of it has gone out: the connection is gone, or has used up its streams.
                Unanswered::Failed(why) => Unanswered::Leaving(why),
                other => other,
            }),
        }
    }
}

/// Calls under way go on without it.
impl Drop for Link {
    fn drop(&mut self) {
        contained((), || self.retire());
    }
}

/// A call that counts as under way.
pub(super) struct UnderWay(Arc<Life>);

impl UnderWay {
    fn new(life: &Arc<Life>) -> UnderWay {
        life.note_call();
        UnderWay(Arc::clone(life))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        contained((), || self.0.note_call_over());
    }
}

/// Reads and writes, pings, and ends what nobody needs.
struct Driver {
    connection: Connection<Stream, Framed>,
    life: Arc<Life>,
    pings: Option<(Pings, PingPong)>,
    /// When a ping went out that has not been answered.
    asked: Option<Instant>,
    /// When the last ping was answered, or the first of the calls under way began.
    heard: Instant,
    alarm: Option<Pin<Box<Sleep>>>,
    retire: Box<dyn Fn() + Send>,
}

impl Driver {
    /// What is due now is done. Returns when something is due next; `Err`: the connection is to end.
    fn next_due(&mut self, context: &mut Context<'_>) -> Result<Instant, SendError> {
        let now = Instant::now();
        let since = match self.life.usage(context) {
            Usage::Idle { since, is_retired } => {
                self.asked = None;
                let end = since + if is_retired { GOODBYE } else { MAX_IDLE };
                return match (now < end, is_retired) {
                    (true, _) => Ok(end),
                    (false, true) => Err(failure::dropped()),
                    (false, false) => {
                        (self.retire)();
                        Ok(now + GOODBYE)
                    }
                };
            }
            Usage::Busy { since } => since,
        };
        let Some((pings, pongs)) = &mut self.pings else { return Ok(now + MAX_IDLE) };
        self.heard = self.heard.max(since);
        if self.asked.is_some() && pongs.poll_pong(context).is_ready() {
            self.asked = None;
            self.heard = now;
        }
        match self.asked {
            Some(asked) if now < asked + pings.timeout => Ok(asked + pings.timeout),
            // Whoever sends anything is there.
            Some(asked) if self.life.is_heard_since(asked) => {
                self.asked = Some(now);
                Ok(now + pings.timeout)
            }
            Some(_) => {
                let text = "Connection dropped: a keep-alive ping was not answered";
                Err(SendError::new(SendErrorKind::Reset, text))
            }
            None if now < self.heard + pings.interval => Ok(self.heard + pings.interval),
            None => {
                // It fails where the connection has failed, which polling that tells.
                let _ = pongs.send_ping(Ping::opaque());
                self.asked = Some(now);
                // To be woken by its answer.
                let _ = pongs.poll_pong(context);
                context.waker().wake_by_ref();
                Ok(now + pings.timeout)
            }
        }
    }

    fn note_end(&self, result: Result<(), h2::Error>) {
        let Err(error) = result else { return self.life.note_end(failure::dropped()) };
        if error.is_go_away()
            && error.is_remote()
            && error.reason() == Some(Reason::ENHANCE_YOUR_CALM)
            && error.to_string().contains("too_many_pings")
        {
            self.life.note_too_many_pings();
        }
        match failure::of_stream(&error, self.life.end()) {
            Unanswered::Leaving(end) | Unanswered::Failed(end) => self.life.note_end(end),
            Unanswered::Refused(_) | Unanswered::Ended(_) => self.life.note_end(failure::dropped()),
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let driver = self.get_mut();
        if let Poll::Ready(result) = Pin::new(&mut driver.connection).poll(context) {
            driver.note_end(result);
            return Poll::Ready(());
        }
        loop {
            let due = match driver.next_due(context) {
                Ok(due) => due,
                Err(end) => {
                    driver.life.note_end(end);
                    return Poll::Ready(());
                }
            };
            let alarm = driver.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if alarm.deadline() != due {
                alarm.as_mut().reset(due);
            }
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        contained((), || {
            // A runtime that ends takes its tasks along.
            self.life.note_end(failure::dropped());
            self.life.note_over();
        });
    }
}
