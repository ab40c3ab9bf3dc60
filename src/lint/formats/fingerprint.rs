//! What makes a finding the same one in the next version of the file.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::lint::Finding;

/// A fingerprint for each finding, unique among them. It does not depend on lines, figures and
/// words, so a finding keeps it when the file moves around it.
pub(super) fn fingerprints(list: &[&Finding]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    list.iter()
        .map(|finding| {
            let file = finding.place.file.display();
            let service = finding.service.as_deref().unwrap_or_default();
            let identity = format!("{}\n{service}\n{file}", finding.rule.number);
            let nth = seen.entry(identity.clone()).or_default();
            *nth += 1;
            hex::encode(&Sha256::digest(format!("{identity}\n{nth}"))[..16])
        })
        .collect()
}
