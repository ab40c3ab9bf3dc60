//! Image references: which ones the client accepts, and which form it sends.

use super::fault::Fault;
use super::model::Service;

/// Checks the image of a service.
///
/// # Errors
/// No image, or a malformed reference.
pub(crate) fn check_service(service: &Service) -> Result<(), Fault> {
    let name = &service.name;
    let mark = service.mark_of("image");
    if service.image.is_empty() {
        return Err(Fault::at(
            mark,
            format!("invalid image reference for service {name}: no image specified"),
        ));
    }
    check(&service.image).map_err(|reason| {
        let fault =
            Fault::at(mark, format!("invalid image reference for service {name}: {reason}"));
        if service.image.ends_with(':') { fault.hint("the tag after `:` is empty") } else { fault }
    })
}

/// Why a text is no image reference, in the client's words; absent if it is one.
#[must_use]
pub fn image_fault(image: &str) -> Option<String> {
    check(image).err()
}

/// Checks an image reference.
///
/// # Errors
/// The client's reason: `invalid reference format` and its variants.
fn check(image: &str) -> Result<(), String> {
    if is_id(image) || is_digest(image) {
        return Ok(());
    }
    normalize(image).map(|_| ())
}

/// The form that is sent: names on Docker Hub are shortened, and `:latest` is added if there is
/// neither tag nor digest. What is not a name (an id) stays as it is.
pub(crate) fn with_tag(image: &str) -> String {
    match normalize(image) {
        Ok(name) => name.familiar(),
        Err(_) => image.to_owned(),
    }
}

/// The parts of a reference.
struct Name<'a> {
    domain: &'a str,
    path: String,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

const HUB: &str = "docker.io";
const HUB_ALIAS: &str = "index.docker.io";
const OFFICIAL: &str = "library/";
const FORMAT: &str = "invalid reference format";

fn normalize(image: &str) -> Result<Name<'_>, String> {
    if is_id(image) {
        return Err(format!(
            "invalid repository name ({image}), cannot specify 64-byte hexadecimal strings"
        ));
    }
    let (domain, remainder) = split_domain(image);
    let official = domain == HUB && !remainder.contains('/');
    let prefix = if official { OFFICIAL } else { "" };
    let remote = remainder.split(':').next().unwrap_or_default();
    if remote.to_lowercase() != remote {
        return Err(format!("{FORMAT}: repository name ({prefix}{remote}) must be lowercase"));
    }
    let (named, digest) = match remainder.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (remainder, None),
    };
    let (path, tag) = match named.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (named, None),
    };
    let fine = is_domain(domain)
        && path.split('/').all(is_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(looks_like_digest);
    if !fine {
        return Err(FORMAT.to_owned());
    }
    let path = format!("{prefix}{path}");
    if path.len() > 255 {
        return Err("repository name must not be more than 255 characters".to_owned());
    }
    if let Some(digest) = digest {
        check_digest(digest)?;
    }
    Ok(Name { domain, path, tag, digest })
}

impl Name<'_> {
    fn familiar(&self) -> String {
        let mut text = String::new();
        let mut path = self.path.as_str();
        if self.domain == HUB {
            path = path.strip_prefix(OFFICIAL).filter(|rest| !rest.contains('/')).unwrap_or(path);
        } else {
            text = format!("{}/", self.domain);
        }
        text.push_str(path);
        match (self.tag, self.digest) {
            (None, None) => text.push_str(":latest"),
            (tag, digest) => {
                text.extend(tag.map(|tag| format!(":{tag}")));
                text.extend(digest.map(|digest| format!("@{digest}")));
            }
        }
        text
    }
}

/// The registry, if the part before the first slash looks like one.
fn split_domain(image: &str) -> (&str, &str) {
    let Some((first, rest)) = image.split_once('/') else { return (HUB, image) };
    if first == HUB_ALIAS {
        return (HUB, rest);
    }
    let registry =
        first == "localhost" || first.contains(['.', ':']) || first.to_lowercase() != first;
    if registry { (first, rest) } else { (HUB, image) }
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = if let Some(rest) = domain.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        if address.is_empty() || !address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':') {
            return false;
        }
        (None, port)
    } else {
        let at = domain.find(':').unwrap_or(domain.len());
        (Some(&domain[..at]), &domain[at..])
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    host.is_none_or(|host| host.split('.').all(label))
        && (port.is_empty() || port.strip_prefix(':').is_some_and(digits))
}

/// Lower-case words, joined by one dot, one or two underscores, or any number of dashes.
fn is_component(component: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = component.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    word(*first)
        && word(*last)
        && component.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(
            |separator| {
                matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
            },
        )
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

/// Whether it has the form of a digest of any algorithm.
fn looks_like_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    algorithm.split(['-', '_', '+', '.']).all(part)
        && hex.len() >= 32
        && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Refuses an unknown algorithm or a wrong length.
fn check_digest(digest: &str) -> Result<(), String> {
    let (algorithm, hex) = digest.split_once(':').unwrap_or((digest, ""));
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err("unsupported digest algorithm".to_owned()),
    };
    if hex.len() != length {
        return Err("invalid checksum digest length".to_owned());
    }
    if hex.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("invalid checksum digest format".to_owned());
    }
    Ok(())
}

fn is_id(image: &str) -> bool {
    image.len() == 64 && image.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_digest(image: &str) -> bool {
    looks_like_digest(image) && check_digest(image).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_forms() {
        let hex = "0123456789abcdef".repeat(4);
        for (image, expected) in [
            ("nginx", "nginx:latest".to_owned()),
            ("nginx:1.27", "nginx:1.27".to_owned()),
            ("docker.io/library/nginx", "nginx:latest".to_owned()),
            ("docker.io/nginx", "nginx:latest".to_owned()),
            ("index.docker.io/a/b", "a/b:latest".to_owned()),
            ("library/nginx", "nginx:latest".to_owned()),
            ("localhost/a", "localhost/a:latest".to_owned()),
            ("reg:5000/a/b:1", "reg:5000/a/b:1".to_owned()),
            ("Reg/a", "Reg/a:latest".to_owned()),
            ("a__b/c--d", "a__b/c--d:latest".to_owned()),
            ("[::1]:5000/a", "[::1]:5000/a:latest".to_owned()),
            (&format!("a:1@sha256:{hex}"), format!("a:1@sha256:{hex}")),
            (&format!("a@sha256:{hex}"), format!("a@sha256:{hex}")),
            (&hex, hex.clone()),
            (&format!("sha256:{hex}"), format!("sha256:{hex}")),
        ] {
            assert_eq!(check(image), Ok(()), "{image}");
            assert_eq!(with_tag(image), expected, "{image}");
        }
    }

    #[test]
    fn refused() {
        for (image, expected) in [
            ("Foo", "invalid reference format: repository name (library/Foo) must be lowercase"),
            ("a:", "invalid reference format"),
            ("a b", "invalid reference format"),
            ("a/", "invalid reference format"),
            ("a__", "invalid reference format"),
            ("a___b", "invalid reference format"),
            ("-a", "invalid reference format"),
            ("a@sha256:12", "invalid reference format"),
            ("a:${TAG}", "invalid reference format"),
            ("http://a/b", "invalid reference format"),
        ] {
            assert_eq!(check(image), Err(expected.to_owned()), "{image}");
        }
        let hex = "0123456789abcdef".repeat(4);
        assert!(check(&format!("a@sha512:{hex}")).is_err());
        assert!(check(&format!("a@md5:{hex}")).is_err());
        assert!(check(&format!("{}:1", "a".repeat(250))).is_err());
    }
}
