//! What the kernel can do.

use std::path::Path;

use super::finding::Finding;
use crate::site::kernel_has_ipvs;

/// Looks at this machine's kernel; `elsewhere` says that the engine that would be used has
/// another one.
pub(super) fn examine(elsewhere: bool) -> Vec<Finding> {
    vec![ipvs(kernel_has_ipvs(), elsewhere), cgroups(Path::new("/sys/fs/cgroup"))]
}

fn ipvs(present: bool, elsewhere: bool) -> Finding {
    const NAME: &str = "IPVS";
    match (present, elsewhere) {
        (true, _) => Finding::ok(NAME, "yes"),
        (false, true) => Finding::ok(NAME, "not here; the engine's own kernel counts"),
        (false, false) => Finding::warning(NAME, "not in this kernel")
            .costs("no service VIPs and no ingress routing mesh: the example runs in its dnsrr form, a stack that needs a VIP does not run")
            .remedy("load the module `ip_vs`, use a kernel that has it, or --endpoint-mode dnsrr"),
    }
}

/// Version 2 has one hierarchy, version 1 one for each controller.
fn cgroups(root: &Path) -> Finding {
    const NAME: &str = "cgroups";
    if root.join("cgroup.controllers").exists() {
        return Finding::ok(NAME, "version 2");
    }
    let lacking: Vec<&str> = ["cpu", "memory", "devices", "pids", "freezer"]
        .into_iter()
        .filter(|controller| !root.join(controller).exists())
        .collect();
    match lacking.as_slice() {
        [] => Finding::ok(NAME, "version 1"),
        _ => Finding::missing(NAME, format!("not mounted: {}", lacking.join(", ")))
            .costs("a private engine starts no containers")
            .remedy(format!("mount the cgroup hierarchies at {}", root.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    #[test]
    fn cgroup_versions_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(cgroups(root.path()).status, Status::Missing);
        for controller in ["cpu", "memory", "devices", "pids"] {
            std::fs::create_dir(root.path().join(controller)).unwrap();
        }
        assert_eq!(cgroups(root.path()).found, "not mounted: freezer");
        std::fs::create_dir(root.path().join("freezer")).unwrap();
        assert_eq!(cgroups(root.path()).found, "version 1");
        std::fs::write(root.path().join("cgroup.controllers"), "cpu memory").unwrap();
        assert_eq!(cgroups(root.path()).found, "version 2");
    }

    #[test]
    fn a_kernel_elsewhere_excuses_this_one() {
        assert_eq!(ipvs(false, true).status, Status::Ok);
        assert_eq!(ipvs(false, false).status, Status::Warning);
    }
}
