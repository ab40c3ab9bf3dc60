//! `--resolve`: where hosts of URLs really are.

use super::values;
use crate::error::{Error, Result};
use crate::probe::{Host, Resolve, StreamPlan};
use crate::wording::list;

/// Reads where a host really is.
pub(super) fn read(text: &str) -> Result<Resolve, String> {
    let wrong = || {
        "write HOST:PORT:ADDR as for curl, or HOST:ADDR, or HOST for the stack's address".to_owned()
    };
    let (host, rest) = match text.split_once(':') {
        Some((host, rest)) => (host, Some(rest)),
        None => (text, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() || !host.chars().all(plain) {
        return Err(wrong());
    }
    let address = |text: &str| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse().ok().map(Host::Address)
    };
    let (port, to) = match rest {
        None => (None, None),
        Some(rest) => match (address(rest), rest.split_once(':')) {
            (Some(to), _) => (None, Some(to)),
            (None, Some((port, to))) => {
                let to = address(to)
                    .ok_or_else(|| format!("`{to}` is not an IP address; {}", wrong()))?;
                (Some(values::port(port)?), Some(to))
            }
            (None, None) => {
                let port = values::port(rest);
                (
                    Some(port.map_err(|_| {
                        format!("`{rest}` is neither a port nor an IP address; {}", wrong())
                    })?),
                    None,
                )
            }
        },
    };
    Ok(Resolve { host: host.to_owned(), port, to })
}

/// A host that no URL has is a typing error: its requests would go where the name leads.
pub(super) fn check(resolve: &[Resolve], plans: &[StreamPlan]) -> Result<()> {
    let port_of = |one: &Resolve| one.port.map(|port| format!(":{port}")).unwrap_or_default();
    for (index, one) in resolve.iter().enumerate() {
        let name = format!("--resolve {}{}", one.host, port_of(one));
        let same = |other: &&Resolve| {
            other.host.eq_ignore_ascii_case(&one.host)
                && other.port == one.port
                && other.to != one.to
        };
        if resolve[..index].iter().any(|other| same(&other)) {
            return Err(Error::usage(format!("{name} is given twice, for different addresses")));
        }
        if plans.iter().any(|plan| one.is_about(&plan.host_name(), plan.port())) {
            continue;
        }
        let asked: Vec<String> =
            plans.iter().map(|plan| format!("{}:{}", plan.host_name(), plan.port())).collect();
        let error = Error::usage(format!("{name}: no URL asks that"));
        return Err(if asked.is_empty() {
            error.hint(format!("--url https://{}{}/ asks it", one.host, port_of(one)))
        } else {
            error.hint(format!("the URLs ask {}", list(&asked)))
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_resolved_as_curl_spells_it() {
        let of = |text: &str| read(text).map(|r| (r.host, r.port, r.to.map(String::from)));
        let host = || "shop.example".to_owned();
        let to = |text: &str| Some(text.to_owned());
        assert_eq!(of("shop.example:443:127.0.0.1"), Ok((host(), Some(443), to("127.0.0.1"))));
        assert_eq!(of("shop.example:443:[::1]"), Ok((host(), Some(443), to("::1"))));
        assert_eq!(of("shop.example:::1"), Ok((host(), None, to("::1"))));
        assert_eq!(of("shop.example:10.0.0.2"), Ok((host(), None, to("10.0.0.2"))));
        assert_eq!(of("shop.example:443"), Ok((host(), Some(443), None)));
        assert_eq!(of("shop.example"), Ok((host(), None, None)));
        for wrong in ["", ":443:127.0.0.1", "a b", "a:0:127.0.0.1", "a:443:b", "a:x", "a:443:1.2.3"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
