//! Whether a certificate is that of the host: owns Node's `checkServerIdentity` for names and addresses in plain letters.
//! It refuses what Node reads from elsewhere or writes in quotes: common names, odd letters, other kinds of names.

use std::net::IpAddr;

use rustls::pki_types::ServerName;

use super::certificate::AlternativeName;

/// Why a certificate is not taken for the host's.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// It is not; Node's reason.
    Certain(String),
    /// Node may see it otherwise.
    Unsure,
}

/// Compares `wanted` with the `names` of a certificate.
pub(super) fn check(
    wanted: &ServerName<'_>,
    names: Option<&[AlternativeName<'_>]>,
) -> Result<(), Mismatch> {
    let (mut dns, mut ips) = (Vec::new(), Vec::new());
    let mut list = Vec::new();
    for name in names.unwrap_or_default() {
        match name {
            AlternativeName::Dns(name) if is_plain(name) => {
                dns.push(*name);
                list.push(format!("DNS:{name}"));
            }
            AlternativeName::Ip(bytes) => {
                let ip = address(bytes).ok_or(Mismatch::Unsure)?;
                ips.push(ip);
                list.push(format!("IP Address:{ip}"));
            }
            AlternativeName::Dns(_) | AlternativeName::Other => return Err(Mismatch::Unsure),
        }
    }
    let host = wanted.to_str();
    if let ServerName::IpAddress(wanted) = wanted {
        let wanted = IpAddr::from(*wanted);
        if ips.contains(&wanted) {
            return Ok(());
        }
        // Node has a spelling of its own for these.
        if wanted.is_ipv6() || ips.iter().any(IpAddr::is_ipv6) {
            return Err(Mismatch::Unsure);
        }
        let ips: Vec<String> = ips.iter().map(IpAddr::to_string).collect();
        let reason = format!("IP: {host} is not in the cert's list: {}", ips.join(", "));
        return Err(Mismatch::Certain(reason));
    }
    // Without any, Node looks at the common name.
    if dns.is_empty() || !is_plain(&host) || host.ends_with('.') {
        return Err(Mismatch::Unsure);
    }
    if dns.iter().any(|pattern| matches(pattern, &host)) {
        return Ok(());
    }
    // Wildcards inside a label and a dot at the end are Node's to read, its spelling of IPv6 addresses, too.
    let is_odd = |pattern: &&str| {
        pattern.strip_prefix("*.").unwrap_or(pattern).contains('*') || pattern.ends_with('.')
    };
    if dns.iter().any(is_odd) || ips.iter().any(IpAddr::is_ipv6) {
        return Err(Mismatch::Unsure);
    }
    let list = list.join(", ");
    Err(Mismatch::Certain(format!("Host: {host}. is not in the cert's altnames: {list}")))
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_*".contains(&byte))
}

/// The whole name, or one whole label in place of a `*` in front of two others.
fn matches(pattern: &str, host: &str) -> bool {
    if pattern.is_empty() || pattern.starts_with('.') || pattern.ends_with('.') {
        return false;
    }
    match pattern.strip_prefix("*.") {
        Some(domain) if !domain.contains('*') && domain.contains('.') => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain)),
        Some(_) => false,
        None => !pattern.contains('*') && pattern.eq_ignore_ascii_case(host),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(four.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(host: &str, names: &[&str]) -> Result<(), Mismatch> {
        let names: Vec<_> = names.iter().map(|name| AlternativeName::Dns(name)).collect();
        check(&ServerName::try_from(host).unwrap(), Some(&names))
    }

    #[test]
    fn a_name_is_the_hosts_or_covers_one_label_of_it() {
        for (host, name) in
            [("a.b.test", "a.b.test"), ("A.b.test", "a.B.test"), ("a.b.test", "*.b.test")]
        {
            assert_eq!(verdict(host, &["other.test", name]), Ok(()));
        }
        for name in ["*.test", "a.b", "b.test", "*.c.test", ".b.test", "*.a.b.test"] {
            assert_eq!(
                verdict("a.b.test", &[name]),
                Err(Mismatch::Certain(format!(
                    "Host: a.b.test. is not in the cert's altnames: DNS:{name}"
                )))
            );
        }
    }

    #[test]
    fn what_node_reads_by_rules_of_its_own_is_left_to_it() {
        for names in
            [&["f*.b.test"][..], &["*.*.test"], &["*"], &["a.b.test."], &["a b"], &["é.test"], &[]]
        {
            assert_eq!(verdict("a.b.test", names), Err(Mismatch::Unsure), "{names:?}");
        }
        let host = ServerName::try_from("a.b.test").unwrap();
        assert_eq!(check(&host, None), Err(Mismatch::Unsure));
        assert_eq!(check(&host, Some(&[AlternativeName::Other])), Err(Mismatch::Unsure));
        let v6 = ServerName::try_from("::1").unwrap();
        assert_eq!(check(&v6, None), Err(Mismatch::Unsure));
    }

    #[test]
    fn an_address_is_looked_for_among_addresses() {
        let v4 = ServerName::try_from("10.0.0.1").unwrap();
        let names = [AlternativeName::Dns("10.0.0.1"), AlternativeName::Ip(&[10, 0, 0, 2])];
        let reason = "IP: 10.0.0.1 is not in the cert's list: 10.0.0.2".to_owned();
        assert_eq!(check(&v4, Some(&names)), Err(Mismatch::Certain(reason)));
        assert_eq!(check(&v4, Some(&[AlternativeName::Ip(&[10, 0, 0, 1])])), Ok(()));
        assert_eq!(check(&v4, Some(&[AlternativeName::Ip(&[10, 0, 0])])), Err(Mismatch::Unsure));
        let none = "IP: 10.0.0.1 is not in the cert's list: ".to_owned();
        assert_eq!(check(&v4, None), Err(Mismatch::Certain(none)));
    }
}
