//! What is made once, by the first request for which the system has what that takes: owns sharing it and trying again.
//! It refuses to know what is made.

use std::{sync::Mutex, thread};

use tokio::sync::watch;

use crate::{
    contain::contained,
    lock::lock,
    sink::{SendError, SendErrorKind, errno},
};

type Making<T> = watch::Receiver<Option<Result<T, SendError>>>;

/// Something that takes long to make, or may fail for now.
pub(in crate::sink) struct Made<T>(Mutex<Option<Making<T>>>);

impl<T> Default for Made<T> {
    fn default() -> Made<T> {
        Made(Mutex::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Made<T> {
    /// Whoever asks while it is being made shares that. `takes_long`: certificates are read and parsed, and the thread that
    /// all exporters share has no time for that.
    pub async fn get(
        &self,
        takes_long: bool,
        make: impl FnOnce() -> Result<T, SendError> + Send + 'static,
    ) -> Result<T, SendError> {
        let mut making = self.making(takes_long, make)?;
        match making.wait_for(Option::is_some).await {
            Ok(made) => made.clone().unwrap_or_else(|| Err(not_made())),
            Err(_) => Err(not_made()),
        }
    }

    /// A failure is not kept: what was missing may be there for the next request.
    fn making(
        &self,
        takes_long: bool,
        make: impl FnOnce() -> Result<T, SendError> + Send + 'static,
    ) -> Result<Making<T>, SendError> {
        let mut slot = lock(&self.0);
        let is_good = |making: &&Making<T>| match &*making.borrow() {
            Some(made) => made.is_ok(),
            None => making.has_changed().is_ok(), // else its thread has died
        };
        if let Some(making) = slot.as_ref().filter(is_good) {
            return Ok(making.clone());
        }
        let (sender, making) = watch::channel(None);
        let make = move || {
            contained((), || {
                sender.send_replace(Some(make()));
            });
        };
        if takes_long {
            thread::Builder::new().name("offloop-tls".into()).spawn(make).map_err(|error| {
                let code = errno::errno(&error).map_or("EAGAIN", |errno| errno.code);
                let text = format!("no thread to read certificates on: {code}");
                SendError::new(SendErrorKind::Exhausted, text).with_code(code)
            })?;
        } else {
            make();
        }
        *slot = Some(making.clone());
        Ok(making)
    }
}

fn not_made() -> SendError {
    SendError::new(SendErrorKind::Other, "the client could not be made")
}
