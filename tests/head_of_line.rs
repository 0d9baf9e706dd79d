//! Nothing waits for a stalled request that need not: measured on the wall, with a control beside it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

#[path = "support/raw_server.rs"]
mod raw_server;
mod support;
#[path = "support/watch.rs"]
mod watch;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use offloop::{config::Config, error::DropReason, exporter::FlushMode};
use raw_server::RawServer;
use support::{
    PATIENCE, patient,
    real::{export, exporter, http, wait_until},
    take,
};
use watch::{Watch, measured};

#[test]
fn r28_r27_f11_an_unrelated_batch_is_posted_while_a_flush_waits_for_a_stalled_one() {
    for mode in [FlushMode::Terminal, FlushMode::Attempt] {
        measured(Duration::from_millis(50), || {
            // The first request stalls; its connection, and only that, is lost.
            let server = RawServer::start(|mut peer| {
                while peer.request().is_some() {
                    if peer.connection == 0 {
                        peer.wait_for_close();
                        return;
                    }
                    peer.respond("200 OK", "", b"");
                }
            });
            let (exporter, _engine) = exporter(http(&server.url()), patient());
            let _stalled = export(&exporter, 1);
            wait_until("the first request", || server.received().len() == 1);
            let (done, flushed) = mpsc::channel();
            exporter.force_flush(
                mode,
                PATIENCE,
                Box::new(move |outcome| {
                    let _ = done.send(outcome);
                }),
            );
            let watch = Watch::start();
            let unrelated = export(&exporter, 1);
            assert_eq!(take(&unrelated).delivered, 1);
            let measured = watch.stop();
            assert!(flushed.try_recv().is_err());
            exporter.shutdown(Duration::ZERO, Box::new(|_| ()));
            measured
        });
    }
}

#[test]
fn r51_r52_r53_a_shutdown_against_a_stalling_server_ends_in_time_and_leaves_nothing() {
    measured(Duration::from_millis(400), || {
        let open = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&open);
        let server = RawServer::start(move |mut peer| {
            count.fetch_add(1, Ordering::SeqCst);
            peer.request();
            assert!(peer.wait_for_close(), "the client keeps its socket");
            count.fetch_sub(1, Ordering::SeqCst);
        });
        let (exporter, engine) = exporter(http(&server.url()), Config::default());
        let outcomes: Vec<_> = (0..200).map(|_| export(&exporter, 1)).collect();
        wait_until("four requests", || server.received().len() == 4);
        let watch = Watch::start();
        let (done, closed) = mpsc::channel();
        exporter.shutdown(
            Duration::from_millis(300),
            Box::new(move |outcome| done.send(outcome).unwrap()),
        );
        let outcome = take(&closed);
        let measured = watch.stop();
        assert!(outcome.timed_out && outcome.dropped == 200, "{outcome:?}");
        for outcome in outcomes {
            assert_eq!(take(&outcome).dropped[DropReason::ShutdownDeadline], 1);
        }
        let posted = server.received().len();
        wait_until("threads and sockets are gone", || {
            engine.threads() == 0 && open.load(Ordering::SeqCst) == 0
        });
        thread::sleep(Duration::from_millis(50));
        assert_eq!(server.received().len(), posted, "nothing is posted after the deadline");
        assert_eq!(exporter.stats().pending, 0);
        measured
    });
}
