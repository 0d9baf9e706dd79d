//! Connections of the HTTP client: opens one to the endpoint, whatever address the client asks for.
//! It refuses to choose addresses: that is the exchange's search (`dial`).

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper::Uri;
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::{
    HttpConfig,
    kept::Kept,
    stream::Bounded,
    target::{Target, server_name},
};
use crate::sink::{
    SendError,
    net::{
        broken_writes::BrokenWrites,
        dial::Dial,
        dialler::{BoxError, Dialler},
        fair::Fair,
        resolve::{LookUp, Resolver},
        socket::Socket,
        tls,
    },
};

/// A standing connection, as the client reads and writes it.
pub(super) type Connection = TokioIo<Bounded<BrokenWrites<Box<dyn Socket>>>>;

/// Opens connections to one endpoint, whatever address the client asks for.
#[derive(Clone)]
pub(super) struct Connector {
    dialler: Arc<Dialler>,
    /// Its connections lead to a proxy that sends requests on.
    is_absolute: bool,
}

impl Connector {
    /// Fails where no connection could ever be secure.
    pub fn new(
        config: &HttpConfig,
        target: &Target,
        look_up: &LookUp,
    ) -> Result<Connector, SendError> {
        let tls = if target.is_https() {
            let settings = tls::client_config(&config.tls)?;
            Some((Arc::new(settings).into(), server_name(target)?))
        } else {
            None
        };
        let limit = config.connect_timeout;
        let dialler = Dialler {
            destination: target.destination.clone(),
            tls,
            doubt: config.tls.doubt.clone(),
            resolver: Resolver::new(
                target.destination.host.clone(),
                config.result_order,
                config.next_address_after.is_some(),
                Arc::clone(look_up),
            ),
            limit,
            next_after: config.next_address_after.unwrap_or(limit),
            tunnel: target.tunnel.clone(),
        };
        Ok(Connector { dialler: Arc::new(dialler), is_absolute: target.is_absolute })
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let (dial, dialler) = (Dial::current(), Arc::clone(&self.dialler));
        let is_absolute = self.is_absolute;
        Box::pin(async move {
            let kept = Kept::default();
            let used = kept.clone();
            let fair = move |socket| Fair::new(socket, move || used.is_used());
            let stream = dialler.open(&dial, fair).await?;
            Ok(TokioIo::new(Bounded::new(BrokenWrites::new(stream), kept, is_absolute)))
        })
    }
}
