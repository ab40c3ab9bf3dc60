//! What the mounts of a service need of the nodes that run it.

use serde_json::Value;

use super::ServiceBody;

/// File systems of volumes that are on another machine.
const SHARES: [&str; 5] = ["nfs", "nfs4", "cifs", "smb3", "glusterfs"];

impl ServiceBody {
    /// The paths of the node that its containers see: the sources of bind mounts, and the devices of
    /// volumes that are bind mounts.
    #[must_use]
    pub fn node_paths(&self) -> Vec<&str> {
        self.mounts().iter().filter_map(node_path).collect()
    }

    /// The drivers of its volumes, other than the engine's own.
    #[must_use]
    pub fn volume_drivers(&self) -> Vec<&str> {
        let drivers = self
            .mounts()
            .iter()
            .filter_map(|mount| mount["VolumeOptions"]["DriverConfig"]["Name"].as_str());
        drivers.filter(|name| !matches!(*name, "" | "local")).collect()
    }

    /// The volumes that are on another machine, with their kind: `nfs :/data`.
    #[must_use]
    pub fn network_shares(&self) -> Vec<String> {
        let of = |mount: &Value| {
            let options = local_options(mount)?;
            let kind = options["type"].as_str().filter(|kind| SHARES.contains(kind))?;
            Some(format!("{kind} {}", options["device"].as_str().unwrap_or_default()))
        };
        self.mounts().iter().filter_map(of).collect()
    }

    fn mounts(&self) -> &[Value] {
        let mounts = self.as_value()["TaskTemplate"]["ContainerSpec"]["Mounts"].as_array();
        mounts.map_or(&[], Vec::as_slice)
    }
}

/// The path of the node that a mount shows.
fn node_path(mount: &Value) -> Option<&str> {
    if mount["Type"] == "bind" {
        return mount["Source"].as_str();
    }
    let options = local_options(mount)?;
    let kinds = options["o"].as_str().unwrap_or_default();
    let bind = kinds.split(',').any(|kind| matches!(kind, "bind" | "rbind"));
    options["device"].as_str().filter(|_| bind)
}

/// The options of a volume of the engine's own driver.
fn local_options(mount: &Value) -> Option<&Value> {
    let driver = mount["VolumeOptions"].get("DriverConfig")?;
    let local = matches!(driver["Name"].as_str(), None | Some("" | "local"));
    driver.get("Options").filter(|_| local)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_drivers_and_shares_are_those_of_its_mounts() {
        let volume = |driver: Value| {
            json!({"Type": "volume", "Source": "s_v", "Target": "/v",
            "VolumeOptions": {"DriverConfig": driver}})
        };
        let body = ServiceBody::new(json!({"TaskTemplate": {"ContainerSpec": {"Mounts": [
            {"Type": "bind", "Source": "/srv/a", "Target": "/a"},
            {"Type": "volume", "Source": "s_plain", "Target": "/p"},
            volume(json!({"Name": "local", "Options": {"type": "none", "o": "rw,bind", "device": "/mnt/b"}})),
            volume(json!({"Options": {"type": "nfs", "o": "addr=10.0.0.5,rw", "device": ":/data"}})),
            volume(json!({"Name": "rexray/ebs", "Options": {"type": "nfs", "device": "x"}})),
            {"Type": "tmpfs", "Target": "/t"},
        ]}}}));
        assert_eq!(body.node_paths(), ["/srv/a", "/mnt/b"]);
        assert_eq!(body.volume_drivers(), ["rexray/ebs"]);
        assert_eq!(body.network_shares(), ["nfs :/data"]);
        assert!(ServiceBody::new(json!({})).node_paths().is_empty());
    }
}
