//! The end of a process in which nobody has waited (R62, R64): each case is a process of its own, this test binary again.
#![cfg(unix)]
#![expect(unsafe_code, reason = "exit and fork have no safe interface")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod support;

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, id},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use offloop::{
    config::Config,
    exporter::{Completion, Engine, Exporter},
    handoff::RawBatch,
    sink::{Reply, Request, SendError, SendErrorKind, SendOutcome, Sending, Sink},
};
use support::{PATIENCE, patient, plain};

const CASE: &str = "OFFLOOP_TEST_END";
const DELIVERED: &str = "OFFLOOP_TEST_DELIVERED";
const SPANS: u32 = 3;
const CODE: i32 = 7;
/// Long enough to be missed by a process that does not wait.
const ANSWER: Duration = Duration::from_millis(200);
const SHORT: Duration = Duration::from_millis(300);
/// Never to be waited out.
const LONG: Duration = Duration::from_secs(600);

/// Attempts that have been answered.
static ANSWERED: AtomicU32 = AtomicU32::new(0);

/// What an attempt comes to; `None`: nobody answers.
type Answers = fn(attempt: u32) -> Option<SendOutcome>;

/// Answers after a while, and writes a byte per span to a file when it accepts.
struct Slow {
    attempts: AtomicU32,
    answers: Answers,
}

impl Sink for Slow {
    fn send(&self, request: Request) -> Sending {
        let outcome = (self.answers)(self.attempts.fetch_add(1, Ordering::Relaxed));
        Box::pin(async move {
            let Some(outcome) = outcome else { return std::future::pending().await };
            tokio::time::sleep(ANSWER).await;
            if matches!(&outcome, SendOutcome::Reply(reply) if reply.status == 200) {
                let mut file = fs::OpenOptions::new();
                let file = file.append(true).create(true).open(env::var(DELIVERED).unwrap());
                std::io::Write::write_all(&mut file.unwrap(), &request.body).unwrap();
            }
            ANSWERED.fetch_add(1, Ordering::SeqCst);
            outcome
        })
    }
}

fn status(status: u16) -> Option<SendOutcome> {
    Some(SendOutcome::Reply(Reply { status, ..Reply::default() }))
}

fn exporter(exit_timeout: Duration, answers: Answers) -> Arc<Exporter> {
    let sink = Arc::new(Slow { attempts: AtomicU32::new(0), answers });
    Exporter::new(Config { exit_timeout, ..patient() }, sink, plain()).unwrap()
}

fn export(exporter: &Exporter) {
    let completion = Completion::new(|_| ());
    let ticket = exporter.admit(SPANS, u64::from(SPANS), completion).unwrap();
    exporter.submit(ticket, RawBatch::for_test(SPANS, u64::from(SPANS)));
}

/// Ends this process as C does.
fn end() -> ! {
    // SAFETY: takes no pointers. What its handlers do is what is being tested.
    unsafe { libc::exit(CODE) }
}

/// What a child does before it ends.
fn case(name: &str) {
    match name {
        "healthy" => export(&exporter(LONG, |_| status(200))),
        "healthy, exporter held" => {
            let held = exporter(LONG, |_| status(200));
            export(&held);
            end();
        }
        "retried" => {
            let held = exporter(LONG, |attempt| status(if attempt == 0 { 503 } else { 200 }));
            export(&held);
            while ANSWERED.load(Ordering::SeqCst) == 0 || held.stats().in_flight > 0 {
                thread::yield_now();
            }
            end();
        }
        "opted out" => export(&exporter(Duration::ZERO, |_| status(200))),
        "the main thread waits" => {
            export(&exporter(Duration::ZERO, |_| status(200)));
            Engine::global().end_by(Instant::now() + LONG);
        }
        "the main thread has waited" => {
            export(&exporter(LONG, |_| status(200)));
            Engine::global().end_by(Instant::now());
        }
        "its environment has waited" => {
            let held = exporter(LONG, |_| status(200));
            export(&held);
            held.note_waited();
            end();
        }
        "its environment has waited, and spans came behind that" => {
            let held = exporter(LONG, |_| status(200));
            held.note_waited();
            export(&held);
            end();
        }
        "the process went on after a deadline" => {
            export(&exporter(LONG, |_| status(200)));
            Engine::global().end_by(Instant::now());
            Engine::global().goes_on();
        }
        "refused" => {
            let refused =
                |_| Some(SendOutcome::Failed(SendError::new(SendErrorKind::Refused, "no")));
            export(&exporter(LONG, refused));
        }
        "silent" => export(&exporter(SHORT, |_| None)),
        "ended by the I/O thread" => {
            let held = exporter(SHORT, |_| end());
            export(&held);
            thread::sleep(LONG); // until the process ends
        }
        "ended while threads start" => {
            thread::spawn(|| {
                loop {
                    export(&exporter(SHORT, |_| status(200)));
                }
            });
            thread::sleep(Duration::from_micros(u64::from(id()) % 700));
        }
        "forked" => {
            let held = exporter(LONG, |_| status(200));
            export(&held);
            // SAFETY: the child ends at once; what its exit handlers do is what is being tested.
            let child = unsafe { libc::fork() };
            if child == 0 {
                end();
            }
            let mut ended = 0;
            // SAFETY: `ended` is valid, the child is ours.
            unsafe { libc::waitpid(child, &raw mut ended, 0) };
            assert_eq!(ended, CODE << 8);
            assert_eq!(held.stats().delivered, 0, "the child has waited");
            end();
        }
        _ => panic!("no such case"),
    }
}

/// The process of a case; does nothing when the tests run.
#[test]
fn child() {
    if let Ok(name) = env::var(CASE) {
        case(&name);
        end();
    }
}

/// Runs a case. Answers the spans delivered and the time it took.
fn ended(name: &str) -> (usize, Duration) {
    let unique = format!("offloop-end-{}-{:?}", id(), thread::current().id());
    let delivered: PathBuf = env::temp_dir().join(unique.replace(['(', ')'], ""));
    let started = Instant::now();
    let output = Command::new(env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .envs([(CASE, name), (DELIVERED, delivered.to_str().unwrap())])
        .output()
        .unwrap();
    let took = started.elapsed();
    assert_eq!(output.status.code(), Some(CODE), "{name}: {output:?}");
    assert!(output.stderr.is_empty(), "{name}: {output:?}");
    let spans = fs::read(&delivered).map_or(0, |bytes| bytes.len());
    drop(fs::remove_file(delivered));
    (spans, took)
}

#[test]
fn r62_r64_the_end_of_the_process_waits_for_what_is_on_its_way() {
    for name in [
        "healthy",
        "healthy, exporter held",
        "retried",
        "the main thread waits",
        "its environment has waited, and spans came behind that",
        "the process went on after a deadline",
        "forked",
    ] {
        let (spans, took) = ended(name);
        assert_eq!(spans, SPANS as usize, "{name}");
        assert!(took < PATIENCE, "{name}: {took:?}");
    }
}

#[test]
fn r62_nobody_is_waited_for_twice_or_against_his_will() {
    for name in ["opted out", "the main thread has waited", "its environment has waited"] {
        let (spans, took) = ended(name);
        assert_eq!(spans, 0, "{name}");
        assert!(took < PATIENCE, "{name}: {took:?}");
    }
}

#[test]
fn r62_r64_an_endpoint_that_does_not_answer_costs_no_more_than_the_time_allowed() {
    assert!(ended("refused").1 < PATIENCE);
    let (spans, took) = ended("silent");
    assert_eq!(spans, 0);
    assert!(took >= SHORT && took < PATIENCE, "{took:?}");
}

#[test]
fn r62_any_thread_may_end_the_process_at_any_moment() {
    let (_, took) = ended("ended by the I/O thread");
    assert!(took >= SHORT && took < PATIENCE, "{took:?}");
    for _ in 0..20 {
        assert!(ended("ended while threads start").1 < PATIENCE);
    }
}
