//! A sink that sends by itself until a server asks for a TLS that only Node has: owns the one move to Node's sender.
//! It refuses to move for anything else, and to move back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use offloop::{
    pipeline::notice::{Level, Notice},
    sink::{Request, SendErrorKind, SendOutcome, Sending, Sink},
};

use crate::{convert::JsNotice, mailbox::JsResult, node_sink::NodeSink};

/// See [`MovingSink::new`].
pub(crate) struct MovingSink {
    native: Arc<dyn Sink>,
    node: Arc<NodeSink>,
    endpoint: String,
    module: &'static str,
    has_moved: Arc<AtomicBool>,
}

impl MovingSink {
    /// Sends through `native`; once that is not sure of a server's TLS, through `node`, the same attempt first. Nothing has
    /// been sent by then: the handshake was not over. `module` is the module of Node's that the other one sends through.
    pub fn new(
        native: Arc<dyn Sink>,
        node: NodeSink,
        endpoint: String,
        module: &'static str,
    ) -> MovingSink {
        MovingSink { native, node: Arc::new(node), endpoint, module, has_moved: Arc::default() }
    }
}

impl Sink for MovingSink {
    fn send(&self, request: Request) -> Sending {
        if self.has_moved.load(Ordering::Relaxed) {
            return self.node.send(request);
        }
        let started = Instant::now();
        let attempt = self.native.send(request.clone());
        let (node, has_moved) = (Arc::clone(&self.node), Arc::clone(&self.has_moved));
        let (endpoint, module) = (self.endpoint.clone(), self.module);
        Box::pin(async move {
            let error = match attempt.await {
                SendOutcome::Failed(error) if error.kind == SendErrorKind::TlsUnsure => error,
                outcome => return outcome,
            };
            if !has_moved.swap(true, Ordering::Relaxed) {
                let reason = reason_of(&error.message);
                let text = format!(
                    "Offloop: from now on {endpoint} is sent to through Node's {module}: {reason}"
                );
                let notice = JsNotice::new(node.lane, Notice::Line { level: Level::Info, text });
                node.mailbox.post(JsResult { notice: Some(notice), ..JsResult::done(0) });
            }
            let time_left = request.time_left.saturating_sub(started.elapsed());
            node.send(Request { time_left, ..request }).await
        })
    }
}

/// What is wrong, without the advice behind it and, over gRPC, without the words of a status around it.
fn reason_of(message: &str) -> &str {
    let reason = message.split("; transport:").next().unwrap_or(message);
    let reason = reason.split_once("Last error: ").map_or(reason, |(_, last)| last);
    let reason = reason.strip_prefix("Error: ").unwrap_or(reason);
    reason.strip_suffix(". Resolution note: ").unwrap_or(reason)
}
