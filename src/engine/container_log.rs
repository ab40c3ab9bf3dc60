//! What a container prints, line by line, with the values of its environment masked.

use std::collections::HashMap;

use bollard::container::LogOutput;
use bollard::query_parameters::{ListContainersOptions, LogsOptions};
use futures_util::{Stream, StreamExt, stream};
use jiff::Timestamp;

use super::masking::Mask;
use super::raw_client::ApiError;
use super::{CONTAINER_SERVICE_LABEL, CONTAINER_TASK_LABEL, Engine};
use crate::error::Result;
use crate::wording::clean;

/// A longer line is taken as several, in bytes.
const LONGEST: usize = 16 * 1024;

/// A line that a container printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintedLine {
    /// When, by the clock of its engine.
    pub at: Option<Timestamp>,
    /// Whether to standard error.
    pub stderr: bool,
    /// The line without its end and without control characters; values of the container's
    /// environment are masked.
    pub text: String,
}

impl Engine {
    /// The lines that a container on this node prints from `since` on, until it ends. `None` if there
    /// is no such container. The stream ends with an error item if the engine has no log of it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn printed_lines(
        &self,
        container: &str,
        since: Timestamp,
    ) -> Result<Option<impl Stream<Item = Result<PrintedLine, String>> + Send + use<>>> {
        let described = match self.raw.get(&format!("/containers/{container}/json")).await {
            Ok(described) => described,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => {
                return Err(error.into_error(format!("cannot inspect container {container}")));
            }
        };
        let mask = Mask::of_container(&described);
        let options = LogsOptions {
            follow: true,
            stdout: true,
            stderr: true,
            timestamps: true,
            since: i32::try_from(since.as_second()).unwrap_or(0),
            ..LogsOptions::default()
        };
        let mut lines = Lines::default();
        let pieces = self.docker.logs(container, Some(options));
        let lines = pieces.flat_map(move |piece| {
            let read = match piece {
                Ok(LogOutput::StdErr { message }) => lines.take(&message, true, &mask),
                Ok(
                    LogOutput::StdOut { message }
                    | LogOutput::StdIn { message }
                    | LogOutput::Console { message },
                ) => lines.take(&message, false, &mask),
                Err(error) => vec![Err(ApiError::from(error).to_string())],
            };
            stream::iter(read)
        });
        // The engine takes whole seconds.
        Ok(Some(lines.filter(move |line| {
            let early = line.as_ref().is_ok_and(|line| line.at.is_some_and(|at| at < since));
            std::future::ready(!early)
        })))
    }

    /// A service's running containers on this node, each with its task's id.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn running_tasks(&self, service: &str) -> Result<Vec<(String, String)>> {
        let label = format!("{CONTAINER_SERVICE_LABEL}={service}");
        let options = ListContainersOptions {
            filters: Some(HashMap::from([("label".to_owned(), vec![label])])),
            ..ListContainersOptions::default()
        };
        let list = self.docker.list_containers(Some(options)).await.map_err(ApiError::from);
        let list = list.map_err(|error| {
            error.into_error(format!("cannot list the containers of {service}"))
        })?;
        let of = |container: bollard::models::ContainerSummary| {
            Some((container.id?, container.labels?.remove(CONTAINER_TASK_LABEL)?))
        };
        Ok(list.into_iter().filter_map(of).collect())
    }
}

/// Makes lines of what the engine sends: usually one a piece, but not always.
#[derive(Debug, Default)]
struct Lines {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Lines {
    fn take<E>(&mut self, piece: &[u8], stderr: bool, mask: &Mask) -> Vec<Result<PrintedLine, E>> {
        let rest = if stderr { &mut self.err } else { &mut self.out };
        rest.extend_from_slice(piece);
        let mut lines = Vec::new();
        loop {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let Some(end) = end.or((rest.len() > LONGEST).then_some(LONGEST)) else { break };
            let line: Vec<u8> = rest.drain(..=end.min(rest.len() - 1)).collect();
            lines.push(Ok(line_of(&String::from_utf8_lossy(&line), stderr, mask)));
        }
        lines
    }
}

/// A line of the engine: its time, a space, and what was printed.
fn line_of(line: &str, stderr: bool, mask: &Mask) -> PrintedLine {
    let line = line.trim_end_matches(['\n', '\r']);
    let (time, rest) = line.split_once(' ').unwrap_or((line, ""));
    let at: Option<Timestamp> = time.parse().ok();
    let text = if at.is_some() { rest } else { line };
    PrintedLine { at, stderr, text: clean(&mask.apply(text)).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pieces: &[(&str, bool)]) -> Vec<(bool, String)> {
        let mask = Mask::of(["TOKEN=s3cr3t-t0ken"].into_iter());
        let mut lines = Lines::default();
        let all = pieces
            .iter()
            .flat_map(|(piece, stderr)| lines.take::<()>(piece.as_bytes(), *stderr, &mask));
        all.map(|line| line.unwrap()).map(|line| (line.stderr, line.text)).collect()
    }

    #[test]
    fn pieces_become_lines_of_each_stream() {
        let time = "2026-01-01T00:00:00.123456789Z";
        assert_eq!(
            texts(&[
                (&format!("{time} one\n{time} tw"), false),
                (&format!("{time} failed: s3cr3t-t0ken\r\n"), true),
                ("o\x1b[2J\nno time\n\n", false),
            ]),
            [
                (false, "one".to_owned()),
                (true, "failed: …".to_owned()),
                (false, "two [2J".to_owned()),
                (false, "no time".to_owned()),
                (false, String::new()),
            ]
        );
    }

    #[test]
    fn a_line_without_an_end_does_not_fill_the_memory() {
        let long = "x".repeat(3 * LONGEST);
        let lines = texts(&[(&long, false), ("\n", false)]);
        assert!(lines.len() >= 3, "{}", lines.len());
        let all: usize = lines.iter().map(|(_, text)| text.len()).sum();
        assert_eq!(all, long.len());
    }

    #[test]
    fn the_engines_time_is_read() {
        let line = line_of("2026-01-01T00:00:01Z a b\n", true, &Mask::default());
        assert_eq!(line.at.map(Timestamp::as_second), Some(1_767_225_601));
        assert_eq!((line.text.as_str(), line.stderr), ("a b", true));
    }
}
