//! The example stack, which is built into rollproof.

use std::fs;
use std::path::Path;

use super::Kernel;
use super::prepare::absolute;
use crate::error::{Error, Result};

const VIP: &str = include_str!("../../stacks/replicated.yml");
const DNSRR: &str = include_str!("../../stacks/replicated-dnsrr.yml");

/// The example's files, by name.
const FILES: [(&str, &str); 4] = [
    ("replicated.yml", VIP),
    ("replicated-dnsrr.yml", DNSRR),
    ("Caddyfile.vip", include_str!("../../stacks/Caddyfile.vip")),
    ("Caddyfile.dnsrr", include_str!("../../stacks/Caddyfile.dnsrr")),
];

/// Which files to deploy, and why.
pub(super) struct Choice {
    pub(super) files: Vec<String>,
    /// One sentence, if the example was chosen.
    pub(super) reason: Option<String>,
    /// Whether the example replaces a file that the user gave.
    pub(super) replaces_a_file: bool,
}

/// The user's files, or the variant of the example that the kernel can run, unpacked to `folder`.
/// The only file that is ever replaced is the example's own, by its other variant, and only where
/// the kernel needs that.
pub(super) fn choose(folder: &Path, files: &[String], kernel: Kernel) -> Result<Choice> {
    let files = absolute(files)?;
    let is_example = |path: &String| fs::read_to_string(path).is_ok_and(|text| text == VIP);
    let replaces_a_file = files.len() == 1 && !kernel.ipvs && is_example(&files[0]);
    if !files.is_empty() && !replaces_a_file {
        return Ok(Choice { files, reason: None, replaces_a_file });
    }
    let (name, why) = if kernel.ipvs {
        ("replicated.yml", "this kernel supports virtual IPs (IPVS)")
    } else {
        (
            "replicated-dnsrr.yml",
            "this kernel has no IPVS, so the proxy finds the replicas through DNS",
        )
    };
    let folder = folder.join("examples");
    unpack(&folder)?;
    let file = folder.join(name).into_os_string().into_string();
    let file = file.map_err(|_| Error::environment("the state folder's path is not UTF-8"))?;
    let reason = Some(format!("using the example stack {name}: {why}"));
    Ok(Choice { files: vec![file], reason, replaces_a_file })
}

fn unpack(folder: &Path) -> Result<()> {
    let failed = |error| {
        Error::environment(format!("cannot write the example stack to {}", folder.display()))
            .caused_by(error)
    };
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, text) in FILES {
        fs::write(folder.join(name), text).map_err(failed)?;
    }
    Ok(())
}
