//! `/_healthz/…`: checks of the servers behind the application, as Django's health check reports
//! them: 200 if all are well, 500 if not, as a page, JSON or text.

use hyper::header::{ACCEPT, HeaderValue, LOCATION, VARY};
use hyper::http::request::Parts;
use hyper::{StatusCode, Uri};

use super::Answer;
use super::respond::{escaped, html, json, respond, text};
use crate::services::Services;

/// Which checks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// None: the process answers.
    Live,
    /// What is needed to serve: the cache and the database.
    Ready,
    /// Everything.
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Html,
    Json,
    Text,
}

/// Makes the checks of `set` and reports them in the format that the request asks for. A fault
/// (`sick`) fails every set, or it could not be seen by a check that asks for liveness.
pub async fn answer(
    set: Set,
    services: &Services,
    sick: Option<&'static str>,
    request: &Parts,
) -> Answer {
    let accept = request.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let mut response = match format(request.uri.query(), accept) {
        None => text(StatusCode::NOT_ACCEPTABLE, "not acceptable: html, json or text\n".to_owned()),
        Some(format) => {
            let mut results = match set {
                Set::Live => Vec::new(),
                Set::Ready => services.ready().await,
                Set::All => services.all().await,
            };
            if let Some(why) = sick {
                results.push(("Fault()".to_owned(), Err(why.to_owned())));
            }
            report(&results, format)
        }
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    response
}

/// Sends a request without the slash at the end to the path with it.
pub fn redirect(url: &Uri) -> Answer {
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    let mut response =
        respond(StatusCode::MOVED_PERMANENTLY, "text/html; charset=utf-8", "".into());
    if let Ok(target) = HeaderValue::from_str(&format!("{}/{query}", url.path())) {
        response.headers_mut().insert(LOCATION, target);
    }
    response
}

fn report(results: &[(String, Result<(), String>)], format: Format) -> Answer {
    let well = results.iter().all(|(_, result)| result.is_ok());
    let status = if well { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    let mut lines = results.iter().map(|(name, result)| {
        (name.as_str(), result.as_ref().map_or_else(String::as_str, |()| "OK"))
    });
    match format {
        Format::Json => {
            let object: serde_json::Map<_, _> =
                lines.map(|(name, result)| (name.to_owned(), result.into())).collect();
            json(status, &serde_json::Value::Object(object))
        }
        Format::Text => {
            text(status, lines.fold(String::new(), |all, (name, is)| all + name + ": " + is + "\n"))
        }
        Format::Html => {
            let rows = lines.try_fold(String::new(), |mut rows, (name, is)| {
                use std::fmt::Write as _;
                let (name, is) = (escaped(name), escaped(is));
                writeln!(rows, "<tr><td>{name}</td><td>{is}</td></tr>").map(|()| rows)
            });
            let title = if well { "System status" } else { "System status: failing" };
            html(
                status,
                format!(
                    "<!DOCTYPE html>\n<html><head><title>{title}</title></head>\
                     <body><h1>{title}</h1>\n<table>\n{}</table></body></html>\n",
                    rows.unwrap_or_default()
                ),
            )
        }
    }
}

/// The format that the query or, without one, the `Accept` header asks for; none if it cannot be
/// had.
fn format(query: Option<&str>, accept: Option<&str>) -> Option<Format> {
    let asked = query
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("format="))
        .filter(|format| !format.is_empty());
    if let Some(asked) = asked {
        return match asked {
            "html" => Some(Format::Html),
            "json" => Some(Format::Json),
            "text" => Some(Format::Text),
            _ => None,
        };
    }
    let mut best: Option<(f32, Format)> = None;
    for range in accept.unwrap_or("*/*").split(',') {
        let mut parts = range.split(';').map(str::trim);
        let format = match parts.next().unwrap_or_default() {
            "*/*" | "text/*" | "text/html" | "application/xhtml+xml" => Format::Html,
            "application/json" | "application/*" => Format::Json,
            "text/plain" => Format::Text,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        if weight > best.map_or(0.0, |(best, _)| best) {
            best = Some((weight, format));
        }
    }
    best.map(|(_, format)| format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_beats_the_header_and_the_heaviest_format_wins() {
        for (query, accept, expected) in [
            (None, None, Some(Format::Html)),
            (None, Some("*/*"), Some(Format::Html)),
            (None, Some("application/json"), Some(Format::Json)),
            (None, Some("text/html;q=0.5, text/plain;q=0.9"), Some(Format::Text)),
            (None, Some("image/png, */*;q=0.1"), Some(Format::Html)),
            (None, Some("image/png"), None),
            (None, Some("application/json;q=0"), None),
            (Some("format=json"), Some("text/plain"), Some(Format::Json)),
            (Some("x=1&format=text"), None, Some(Format::Text)),
            (Some("format="), Some("application/json"), Some(Format::Json)),
            (Some("format=pdf"), Some("application/json"), None),
        ] {
            assert_eq!(format(query, accept), expected, "{query:?} {accept:?}");
        }
    }
}
