//! Headers that change between exports: the user's `headers` object is read on the JavaScript thread and used here.
//! It refuses to ask for them while a request is on its way: the event loop may be blocked.

use std::sync::{Arc, PoisonError, RwLock};

use offloop::sink::{Attempt, Request, Sink};

type Headers = Arc<[(String, String)]>;

/// The headers of the next attempts; shared by a lane and its sink.
#[derive(Clone, Default)]
pub(crate) struct CurrentHeaders(Arc<RwLock<Option<Headers>>>);

impl CurrentHeaders {
    pub fn set(&self, headers: Vec<(String, String)>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(headers.into());
    }

    fn get(&self) -> Option<Headers> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Puts the current headers into each request.
pub(crate) struct HeaderSink {
    pub headers: CurrentHeaders,
    pub inner: Arc<dyn Sink>,
}

impl Sink for HeaderSink {
    fn send(&self, mut request: Request) -> Attempt {
        request.headers = request.headers.or_else(|| self.headers.get());
        self.inner.send(request)
    }
}
