//! The cookies of a user, for services whose proxy sends each user to the same replica.

use std::cell::RefCell;
use std::rc::Rc;

use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue, SET_COOKIE};

/// The cookies of one user, who has one connection at a time. Names and values only: one stream
/// asks one host, and a run is too short for cookies to expire.
#[derive(Debug, Clone, Default)]
pub(super) struct Cookies(Rc<RefCell<Vec<(String, String)>>>);

impl Cookies {
    /// Takes the cookies that a response sets.
    pub fn take(&self, headers: &HeaderMap) {
        for text in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let mut parts = text.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let over = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
            let mut known = self.0.borrow_mut();
            known.retain(|(other, _)| other != name);
            if !over {
                known.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// Adds them to a request.
    pub fn send(&self, headers: &mut HeaderMap) {
        let known = self.0.borrow();
        let pairs: Vec<String> =
            known.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if let Ok(value) = HeaderValue::from_str(&pairs.join("; "))
            && !pairs.is_empty()
        {
            headers.append(COOKIE, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_come_back_until_they_are_over() {
        let cookies = Cookies::default();
        let set = |texts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for text in texts {
                headers.append(SET_COOKIE, HeaderValue::from_static(text));
            }
            cookies.take(&headers);
            let mut request = HeaderMap::new();
            cookies.send(&mut request);
            request.get(COOKIE).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(set(&[]), None);
        assert_eq!(set(&["a=1; Path=/; HttpOnly", "b=x=y"]).as_deref(), Some("a=1; b=x=y"));
        assert_eq!(set(&["a=2"]).as_deref(), Some("b=x=y; a=2"));
        assert_eq!(set(&["b=; Max-Age=0", "junk"]).as_deref(), Some("a=2"));
    }
}
