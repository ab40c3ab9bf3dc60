//! What the example stack is made of.

use std::path::Path;
use std::process::{Command, Stdio};

use super::finding::Finding;
use crate::image::{PackageCache, find_app_binary};
use crate::lab::find_program;

/// Looks for the application and for the programs that go into the images with it.
pub(super) fn examine(state: &Path) -> Vec<Finding> {
    vec![app(), program(state, "busybox"), program(state, "caddy")]
}

fn app() -> Finding {
    const NAME: &str = "application";
    match find_app_binary(None) {
        Ok(path) => Finding::ok(NAME, path.display().to_string()),
        Err(error) => Finding::missing(NAME, error.to_string())
            .costs("the example cannot be deployed")
            .remedy("`make build`"),
    }
}

/// The places are those where the images' maker looks, in its order.
fn program(state: &Path, name: &'static str) -> Finding {
    if let Some(root) = PackageCache::new(state.join("cache")).unpacked(name) {
        return Finding::ok(name, format!("unpacked in {}", root.display()));
    }
    if let Some(path) = find_program(name) {
        return Finding::ok(name, path.display().to_string());
    }
    if package_is_known(name) {
        return Finding::ok(name, "the distribution's package can be downloaded");
    }
    Finding::missing(name, "neither here nor in the lists of the package manager")
        .costs("the example's images cannot be made")
        .remedy(format!("`make setup`, install {name}, or `rollproof build --{name} FILE`"))
}

/// Asks the package manager without downloading anything.
fn package_is_known(name: &str) -> bool {
    let Some(apt) = find_program("apt-get") else { return false };
    let output = Command::new(apt)
        .args(["download", "--print-uris", "-qq", name])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}
