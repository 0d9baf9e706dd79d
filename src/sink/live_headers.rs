//! Headers that somebody else knows and may change: an object of the application, or a function of it. When they are
//! asked for, how long an attempt waits for the answer, and what it does without one.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use super::{Headers, Request, SendError, SendErrorKind, SendOutcome, Sending, Sink};
use crate::{
    error::{DropReason, timed_out},
    lock::lock,
};

/// How long a retry waits for a busy owner before it takes the headers of the last export.
const REREAD_PATIENCE: Duration = Duration::from_millis(100);

/// When headers are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskFor {
    /// They are set at each export; a retry asks again, and does without the answer if that does not come soon.
    Retries,
    /// Each attempt asks, and waits for the answer as long as it has time.
    EveryAttempt,
}

/// The answer of an owner: headers, or why there are none. `None` if the owner is gone. Dropping it withdraws the question.
pub type HeaderAnswer = Pin<Box<dyn Future<Output = Option<Result<Headers, SendError>>> + Send>>;

/// Who knows the headers.
pub trait HeaderOwner: Send + Sync + 'static {
    /// Asks for the headers of an attempt with spans of export `call`. Returns at once.
    fn ask(&self, call: u32) -> HeaderAnswer;
}

/// The headers that were read last; shared by an exporter and its sink.
#[derive(Clone, Debug, Default)]
pub struct CurrentHeaders(Arc<Mutex<Option<Headers>>>);

impl CurrentHeaders {
    /// Attempts that do not ask take these from now on.
    pub fn set(&self, headers: Headers) {
        *lock(&self.0) = Some(headers);
    }

    fn get(&self) -> Option<Headers> {
        lock(&self.0).clone()
    }
}

/// Puts the headers of the moment into each request before `inner` sends it.
pub struct LiveHeaders {
    /// When they are asked for.
    pub ask_for: AskFor,
    /// Who is asked.
    pub owner: Arc<dyn HeaderOwner>,
    /// What was read last.
    pub current: CurrentHeaders,
    /// Who sends.
    pub inner: Arc<dyn Sink>,
}

impl Sink for LiveHeaders {
    fn send(&self, mut request: Request) -> Sending {
        if self.ask_for == AskFor::Retries && request.attempt == 1 {
            request.headers = self.current.get();
            return self.inner.send(request);
        }
        let asked_at = Instant::now();
        let answer = self.owner.ask(request.call);
        let patience = match self.ask_for {
            AskFor::Retries => REREAD_PATIENCE,
            AskFor::EveryAttempt => request.time_left,
        };
        let ask_for = self.ask_for;
        let (current, inner) = (self.current.clone(), Arc::clone(&self.inner));
        Box::pin(async move {
            let headers = match timeout(patience, answer).await {
                Ok(Some(answer)) => answer.inspect(|headers| current.set(Arc::clone(headers))),
                Ok(None) => current.get().ok_or_else(gone),
                // A later attempt may find the owner ready.
                Err(_) if ask_for == AskFor::EveryAttempt => Err(timed_out()),
                Err(_) => current.get().ok_or_else(timed_out),
            };
            match headers {
                Ok(headers) => request.headers = Some(headers),
                Err(error) => return SendOutcome::Failed(error),
            }
            // The time of the owner is part of the attempt's.
            request.time_left = request.time_left.saturating_sub(asked_at.elapsed());
            if request.time_left.is_zero() {
                // A request that goes out now would arrive and count as failed all the same.
                return SendOutcome::Failed(timed_out());
            }
            inner.send(request).await
        })
    }
}

fn gone() -> SendError {
    SendError::new(SendErrorKind::EnvironmentGone, DropReason::EnvironmentGone.message())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::ContentEncoding;

    /// Answers after a time.
    struct Owner(Duration, Option<Result<Headers, SendError>>);

    impl HeaderOwner for Owner {
        fn ask(&self, _: u32) -> HeaderAnswer {
            let Owner(delay, answer) = self;
            let (delay, answer) = (*delay, answer.clone());
            Box::pin(async move {
                tokio::time::sleep(delay).await;
                answer
            })
        }
    }

    /// Stores what it is given.
    #[derive(Default)]
    struct Wire(Mutex<Vec<(Option<String>, Duration)>>);

    impl Sink for Wire {
        fn send(&self, request: Request) -> Sending {
            let key = request.headers.and_then(|headers| Some(headers.first()?.1.clone()));
            // Timers of tokio go by whole milliseconds.
            let time_left = (request.time_left + millis(5)).as_millis() / 10 * 10;
            lock(&self.0).push((key, millis(time_left as u64)));
            Box::pin(async { SendOutcome::Stored })
        }
    }

    const TIME: Duration = Duration::from_secs(10);

    fn named(value: &str) -> Headers {
        Arc::from([("x-key".to_owned(), value.to_owned())])
    }

    /// What was sent, and how the attempt ended.
    fn send(
        ask_for: AskFor,
        attempt: u32,
        owner: Owner,
        last: Option<&str>,
    ) -> (Vec<(Option<String>, Duration)>, SendOutcome) {
        let wire = Arc::new(Wire::default());
        let current = CurrentHeaders::default();
        if let Some(last) = last {
            current.set(named(last));
        }
        let inner = Arc::<Wire>::clone(&wire);
        let sink = LiveHeaders { ask_for, owner: Arc::new(owner), current, inner };
        let request = Request {
            body: Default::default(),
            encoding: ContentEncoding::Identity,
            spans: 1,
            call: 7,
            attempt,
            time_left: TIME,
            headers: None,
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let outcome = runtime.unwrap().block_on(sink.send(request));
        let sent = lock(&wire.0).clone();
        (sent, outcome)
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn fresh(delay: u64) -> Owner {
        Owner(millis(delay), Some(Ok(named("fresh"))))
    }

    fn key(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn a_first_attempt_with_an_object_takes_what_the_export_read() {
        let (sent, _) = send(AskFor::Retries, 1, fresh(0), Some("last"));
        assert_eq!(sent, [(key("last"), TIME)]);
    }

    #[test]
    fn a_retry_reads_the_object_again_unless_its_owner_is_busy() {
        let (sent, _) = send(AskFor::Retries, 2, fresh(90), Some("last"));
        assert_eq!(sent, [(key("fresh"), TIME - millis(90))]);
        let (sent, _) = send(AskFor::Retries, 2, fresh(5_000), Some("last"));
        assert_eq!(sent, [(key("last"), TIME - REREAD_PATIENCE)]);
    }

    #[test]
    fn a_function_is_waited_for_as_long_as_the_attempt_has_time() {
        let (sent, _) = send(AskFor::EveryAttempt, 1, fresh(9_000), Some("last"));
        assert_eq!(sent, [(key("fresh"), millis(1_000))]);
        for last in [Some("last"), None] {
            let (sent, outcome) = send(AskFor::EveryAttempt, 1, fresh(10_050), last);
            assert_eq!(sent, [], "no request goes out when the time is over");
            let SendOutcome::Failed(error) = outcome else { panic!("{outcome:?}") };
            assert_eq!(error.kind, SendErrorKind::TimedOut);
        }
    }

    #[test]
    fn what_the_function_throws_is_the_outcome() {
        let thrown = SendError::new(SendErrorKind::Spent, "no token");
        let owner = Owner(millis(1), Some(Err(thrown.clone())));
        let (sent, outcome) = send(AskFor::EveryAttempt, 1, owner, Some("last"));
        let SendOutcome::Failed(error) = outcome else { panic!("{outcome:?}") };
        assert_eq!((sent.len(), error), (0, thrown));
    }

    #[test]
    fn an_owner_that_is_gone_leaves_the_last_headers() {
        let (sent, _) = send(AskFor::EveryAttempt, 3, Owner(millis(0), None), Some("last"));
        assert_eq!(sent, [(key("last"), TIME)]);
        let (sent, outcome) = send(AskFor::EveryAttempt, 3, Owner(millis(0), None), None);
        let SendOutcome::Failed(error) = outcome else { panic!("{outcome:?}") };
        assert_eq!((sent.len(), error.kind), (0, SendErrorKind::EnvironmentGone));
    }
}
