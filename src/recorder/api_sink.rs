//! The remote API's own schedule around an HTTP sink: up to three attempts with fixed waits, each with its own time.
//! It refuses to hold anything back: the circuit breaker is JavaScript's, and what fails here has failed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::api_verdict::{ApiVerdict, judge};
use crate::{
    clock::Now,
    sink::{Request, SendError, SendErrorKind, SendOutcome, Sending, Sink},
};

/// Waits before the second attempt and the third; after that there is none. No jitter: recorders compare with these.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1000)];

/// How the API is asked.
#[derive(Clone, Copy, Debug)]
pub struct ApiConfig {
    /// Time of one attempt: connecting, headers and reading the body.
    pub attempt_timeout: Duration,
    /// Attempts of an export; three unless somebody else repeats.
    pub max_attempts: u32,
    /// Wait as long as `Retry-After` asks, half a minute at most.
    pub hears_retry_after: bool,
}

/// The remote API. One `send` is one export: all its attempts.
pub struct ApiSink {
    config: ApiConfig,
    inner: Arc<dyn Sink>,
    timeouts: Arc<AtomicU64>,
}

impl ApiSink {
    /// Sends through `inner`; `timeouts` counts attempts that ran out of time, as they do.
    pub fn new(config: ApiConfig, inner: Arc<dyn Sink>, timeouts: Arc<AtomicU64>) -> Arc<ApiSink> {
        Arc::new(ApiSink { config, inner, timeouts })
    }
}

impl Sink for ApiSink {
    fn send(&self, request: Request) -> Sending {
        let (config, inner) = (self.config, Arc::clone(&self.inner));
        let timeouts = Arc::clone(&self.timeouts);
        Box::pin(async move {
            let repeats = config.max_attempts.saturating_sub(1) as usize;
            let mut waits = WAITS.into_iter().take(repeats);
            for number in 1.. {
                let time_left = config.attempt_timeout.min(request.time_left);
                let attempt = Request { attempt: number, time_left, ..request.clone() };
                let outcome = inner.send(attempt).await;
                match judge(outcome, config.hears_retry_after, Now::read().wall) {
                    ApiVerdict::Delivered => return SendOutcome::Stored,
                    ApiVerdict::Final(error) => return failed(error),
                    ApiVerdict::Transient { error, is_timeout, pause } => {
                        if is_timeout {
                            timeouts.fetch_add(1, Ordering::Relaxed);
                        }
                        let Some(wait) = waits.next() else { return failed(error) };
                        tokio::time::sleep(wait.max(pause.unwrap_or_default())).await;
                    }
                }
            }
            failed(SendError::new(SendErrorKind::Spent, "no attempt was made"))
        })
    }
}

/// Final for the dispatcher, whatever it was: the attempts have been made.
fn failed(error: SendError) -> SendOutcome {
    if error.kind == SendErrorKind::EnvironmentGone {
        return SendOutcome::Failed(error); // final already, and a loss of its own kind
    }
    // Whoever drains at the end of the process need not wait for somebody who does not listen.
    let errors = if error.errors.is_empty() { vec![error.clone()] } else { error.errors.clone() };
    SendOutcome::Failed(SendError { kind: SendErrorKind::Spent, errors, ..error })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::{runtime::Builder, time::Instant};

    use super::*;
    use crate::sink::{ContentEncoding, Reply};

    /// Answers from a list, and notes when and with how much time it was asked.
    struct Scripted {
        outcomes: Mutex<Vec<SendOutcome>>,
        asked: Mutex<Vec<(Instant, u32, Duration)>>,
    }

    impl Sink for Scripted {
        fn send(&self, request: Request) -> Sending {
            self.asked.lock().unwrap().push((Instant::now(), request.attempt, request.time_left));
            let outcome = self.outcomes.lock().unwrap().remove(0);
            Box::pin(async { outcome })
        }
    }

    fn status(status: u16) -> SendOutcome {
        let body: &'static [u8] = if status == 200 { &[0x08, 0x01] } else { b"" };
        SendOutcome::Reply(Reply { status, body: body.into(), ..Reply::default() })
    }

    fn timed_out() -> SendOutcome {
        SendOutcome::Failed(SendError::new(SendErrorKind::TimedOut, "Request timed out"))
    }

    /// The result, the waits before further attempts in milliseconds, and the time-outs counted.
    fn export(outcomes: Vec<SendOutcome>) -> (SendOutcome, Vec<u128>, u64) {
        export_in(3, outcomes)
    }

    fn export_in(max_attempts: u32, outcomes: Vec<SendOutcome>) -> (SendOutcome, Vec<u128>, u64) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let outcomes = Mutex::new(outcomes);
            let inner = Arc::new(Scripted { outcomes, asked: Mutex::default() });
            let timeouts = Arc::new(AtomicU64::new(0));
            let config = ApiConfig {
                attempt_timeout: Duration::from_secs(30),
                max_attempts,
                hears_retry_after: false,
            };
            let inner_sink: Arc<dyn Sink> = Arc::clone(&inner) as Arc<dyn Sink>;
            let sink = ApiSink::new(config, inner_sink, Arc::clone(&timeouts));
            let request = Request {
                body: "body".into(),
                encoding: ContentEncoding::Identity,
                spans: 1,
                call: 0,
                attempt: 1,
                time_left: Duration::from_secs(100),
                headers: None,
            };
            let outcome = sink.send(request).await;
            let asked = inner.asked.lock().unwrap().clone();
            for (index, (_, attempt, time_left)) in asked.iter().enumerate() {
                assert_eq!((*attempt as usize, *time_left), (index + 1, config.attempt_timeout));
            }
            let times = asked.iter().map(|(at, ..)| *at);
            let waits = times.clone().zip(times.skip(1)).map(|(a, b)| (b - a).as_millis());
            (outcome, waits.collect(), timeouts.load(Ordering::Relaxed))
        })
    }

    fn message(outcome: SendOutcome) -> String {
        match outcome {
            SendOutcome::Failed(error) => {
                assert_eq!(error.kind, SendErrorKind::Spent, "the dispatcher must not repeat it");
                error.message
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn three_attempts_after_500_and_1000_milliseconds() {
        let (outcome, waits, _) = export(vec![status(503), status(500), status(502)]);
        assert_eq!(message(outcome), "Remote export failed with status 502");
        assert_eq!(waits, [500, 1000]);
        let (outcome, waits, _) = export(vec![status(503), status(200)]);
        assert!(matches!(outcome, SendOutcome::Stored), "{outcome:?}");
        assert_eq!(waits, [500]);
    }

    #[test]
    fn an_environment_that_is_gone_keeps_its_name() {
        let gone = SendError::new(SendErrorKind::EnvironmentGone, "gone");
        let (outcome, waits, _) = export(vec![SendOutcome::Failed(gone)]);
        assert!(
            matches!(&outcome, SendOutcome::Failed(e) if e.kind == SendErrorKind::EnvironmentGone),
            "{outcome:?}"
        );
        assert_eq!(waits, []);
    }

    #[test]
    fn whoever_repeats_by_himself_gets_one_attempt() {
        let (outcome, waits, _) = export_in(1, vec![status(503)]);
        assert_eq!(message(outcome), "Remote export failed with status 503");
        assert_eq!(waits, []);
    }

    #[test]
    fn what_cannot_be_mended_is_asked_once() {
        let (outcome, waits, _) = export(vec![status(429)]);
        assert_eq!(message(outcome), "Remote export failed with status 429");
        assert_eq!(waits, []);
    }

    #[test]
    fn every_attempt_out_of_time_is_counted() {
        let (outcome, waits, timeouts) = export(vec![timed_out(), status(500), timed_out()]);
        assert_eq!(message(outcome), "Remote export timed out");
        assert_eq!((waits.as_slice(), timeouts), (&[500, 1000][..], 2));
    }

    #[test]
    fn nobody_listening_is_still_known_to_the_drain() {
        let refused =
            || SendOutcome::Failed(SendError::new(SendErrorKind::Refused, "connect ECONNREFUSED"));
        let (outcome, ..) = export(vec![refused(), refused(), refused()]);
        assert!(outcome.is_refused_connection());
        let (outcome, ..) = export(vec![status(500), status(500), status(500)]);
        assert!(!outcome.is_refused_connection());
    }
}
