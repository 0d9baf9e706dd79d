//! Name look-up: owns the one running `getaddrinfo` of an endpoint and its error in Node's words.
//! It refuses to cache: each new connection asks again, as Node does.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    thread,
};

use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType};
use tokio::sync::watch;

use super::Host;
use crate::lock::lock;
use crate::sink::{SendError, SendErrorKind, errno};

/// Node asks for the families that this machine has addresses of, except on Windows.
#[cfg(unix)]
const ONLY_USABLE_FAMILIES: i32 = libc::AI_ADDRCONFIG;
#[cfg(not(unix))]
const ONLY_USABLE_FAMILIES: i32 = 0;

/// Addresses of a name in the order to try them, or why there are none.
pub(in crate::sink) type Answer = Result<Vec<IpAddr>, SendError>;

/// A blocking look-up: the system's, except in tests of slow and many-addressed names.
pub(in crate::sink) type LookUp = Arc<dyn Fn(&str) -> Answer + Send + Sync>;

/// Which of a name's addresses come first; Node's `dns.setDefaultResultOrder`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultOrder {
    /// As the system says.
    #[default]
    Verbatim,
    /// IPv4 before IPv6.
    Ipv4First,
    /// IPv6 before IPv4.
    Ipv6First,
}

impl ResultOrder {
    fn sort(self, addresses: &mut Vec<IpAddr>) {
        let is_first = match self {
            ResultOrder::Verbatim => return,
            ResultOrder::Ipv4First => IpAddr::is_ipv4,
            ResultOrder::Ipv6First => IpAddr::is_ipv6,
        };
        let others: Vec<IpAddr> = addresses.extract_if(.., |address| !is_first(address)).collect();
        addresses.extend(others);
    }
}

/// Resolves the endpoint's host, whatever name the client asks for (the URL may carry a TLS server name instead).
pub(in crate::sink) struct Resolver {
    host: Host,
    order: ResultOrder,
    /// Whether addresses behind the first one are tried.
    tries_others: bool,
    system: LookUp,
    /// Requests that come while a look-up runs share it, so that at most one thread per endpoint is stuck (F3, F4).
    running: Arc<Mutex<Option<watch::Receiver<Option<Answer>>>>>,
}

impl Resolver {
    /// Looks nothing up yet.
    pub fn new(host: Host, order: ResultOrder, tries_others: bool, system: LookUp) -> Resolver {
        Resolver { host, order, tries_others, system, running: Arc::default() }
    }

    /// Every address, in the order to try them.
    pub async fn resolve(&self) -> Answer {
        let mut answer = self.look_up()?;
        match answer.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_else(|| Ok(Vec::new())),
            Err(_) => Err(SendError::new(SendErrorKind::Dns, "name look-up ended early")),
        }
    }

    fn look_up(&self) -> Result<watch::Receiver<Option<Answer>>, SendError> {
        let mut running = lock(&self.running);
        // A look-up whose thread died left its channel closed.
        let alive = |answer: &&watch::Receiver<_>| answer.has_changed().is_ok();
        if let Some(answer) = running.as_ref().filter(alive) {
            return Ok(answer.clone());
        }
        let (sender, answer) = watch::channel(None);
        match &self.host {
            Host::Address(address) => drop(sender.send_replace(Some(Ok(vec![*address])))),
            Host::Name(name) => {
                let (name, slot) = (name.clone(), Arc::clone(&self.running));
                let system = Arc::clone(&self.system);
                let (order, tries_others) = (self.order, self.tries_others);
                // Not the runtime's blocking pool: its shutdown would wait for a name server that never answers.
                let work = move || {
                    let found =
                        system(&name).map(|addresses| arrange(addresses, order, tries_others));
                    *lock(&slot) = None;
                    sender.send_replace(Some(found));
                };
                thread::Builder::new().name("offloop-dns".into()).spawn(work).map_err(|error| {
                    let code = errno::errno(&error).map_or("EAGAIN", |e| e.code);
                    SendError::new(SendErrorKind::Exhausted, format!("getaddrinfo {code}"))
                })?;
                *running = Some(answer.clone());
            }
        }
        Ok(answer)
    }
}

/// The addresses to try, families alternating as Node tries them.
fn arrange(mut addresses: Vec<IpAddr>, order: ResultOrder, tries_others: bool) -> Vec<IpAddr> {
    order.sort(&mut addresses);
    let mut addresses = alternate(addresses);
    addresses.truncate(if tries_others { usize::MAX } else { 1 });
    addresses
}

/// What the system says, in its order.
pub(in crate::sink) fn addresses_of(name: &str) -> Answer {
    let hints = AddrInfoHints {
        socktype: SockType::Stream.into(),
        flags: ONLY_USABLE_FAMILIES,
        ..AddrInfoHints::default()
    };
    let found = dns_lookup::getaddrinfo(Some(name), None, Some(hints))
        .map_err(|error| failure(name, &error))?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.flatten().map(|info| info.sockaddr.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

fn alternate(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (mut preferred, mut other) = (Vec::new(), Vec::new());
    for address in addresses {
        if address.is_ipv6() == first_is_v6 { preferred.push(address) } else { other.push(address) }
    }
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut ordered = Vec::new();
    loop {
        let pair = [preferred.next(), other.next()];
        if pair.iter().all(Option::is_none) {
            return ordered;
        }
        ordered.extend(pair.into_iter().flatten());
    }
}

/// Node folds "no such name" and "no address" into ENOTFOUND and keeps libuv's number.
fn failure(name: &str, error: &dns_lookup::LookupError) -> SendError {
    let (code, number) = match error.kind() {
        LookupErrorKind::Again => ("EAI_AGAIN", -3001),
        LookupErrorKind::Fail => ("EAI_FAIL", -3004),
        LookupErrorKind::Memory => ("ENOTFOUND", -3006),
        LookupErrorKind::NoData => ("ENOTFOUND", -3007),
        LookupErrorKind::Badflags => ("EAI_BADFLAGS", -3002),
        LookupErrorKind::Family => ("EAI_FAMILY", -3005),
        LookupErrorKind::Service => ("EAI_SERVICE", -3010),
        LookupErrorKind::Socktype => ("EAI_SOCKTYPE", -3011),
        _ => ("ENOTFOUND", -3008),
    };
    SendError {
        syscall: Some("getaddrinfo"),
        errno: Some(number),
        ..SendError::new(SendErrorKind::Dns, format!("getaddrinfo {code} {name}")).with_code(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_from_the_systems_first_choice() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let given = vec![ip("::1"), ip("::2"), ip("127.0.0.1")];
        assert_eq!(alternate(given), [ip("::1"), ip("127.0.0.1"), ip("::2")]);
    }

    #[test]
    fn the_order_of_the_process_decides_which_family_is_first_and_whether_there_is_a_second() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let given = || vec![ip("::1"), ip("::2"), ip("127.0.0.1"), ip("127.0.0.2")];
        let texts = |order, tries_others| -> Vec<String> {
            arrange(given(), order, tries_others).iter().map(IpAddr::to_string).collect()
        };
        let v6_first = ["::1", "127.0.0.1", "::2", "127.0.0.2"];
        assert_eq!(texts(ResultOrder::Verbatim, true), v6_first);
        assert_eq!(texts(ResultOrder::Ipv6First, true), v6_first);
        assert_eq!(texts(ResultOrder::Ipv4First, true), ["127.0.0.1", "::1", "127.0.0.2", "::2"]);
        assert_eq!(texts(ResultOrder::Ipv4First, false), ["127.0.0.1"]);
        assert_eq!(texts(ResultOrder::Verbatim, false), ["::1"]);
    }

    #[test]
    #[cfg_attr(miri, ignore = "asks the system")]
    fn an_unknown_name_is_enotfound_or_again() {
        let error = addresses_of("nothing-here.invalid").unwrap_err();
        let code = error.code.unwrap();
        assert!(["ENOTFOUND", "EAI_AGAIN"].contains(&code.as_str()), "{code}");
        assert_eq!(error.message, format!("getaddrinfo {code} nothing-here.invalid"));
        assert_eq!(error.kind, SendErrorKind::Dns);
    }
}
