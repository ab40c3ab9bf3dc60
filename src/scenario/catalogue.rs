//! The table of scenarios.

use std::sync::LazyLock;

use super::{Declaration, Group, file, usual};
use crate::{Error, Result};

/// The files of the catalogue, one a list.
const FILES: [(Group, &str, &str); 5] = [
    (Group::Good, "good.yml", include_str!("catalogue/good.yml")),
    (Group::Broken, "broken.yml", include_str!("catalogue/broken.yml")),
    (Group::Unnoticed, "unnoticed.yml", include_str!("catalogue/unnoticed.yml")),
    (Group::Proxy, "proxy.yml", include_str!("catalogue/proxy.yml")),
    (Group::Restart, "restart.yml", include_str!("catalogue/restart.yml")),
];

static TABLE: LazyLock<Result<Vec<Declaration>>> = LazyLock::new(|| {
    let mut table = vec![usual::update(Vec::new()), usual::broken_update(None)];
    for (group, name, text) in FILES {
        table.extend(file::parse(name, text, group)?);
    }
    Ok(table)
});

/// Every scenario that is built in, in the order of the lists.
///
/// # Errors
/// Never in a program whose tests pass: they read every file of the catalogue.
pub fn all() -> Result<&'static [Declaration]> {
    match &*TABLE {
        Ok(table) => Ok(table),
        Err(error) => {
            let place = error.place().map(|place| format!("{place}: ")).unwrap_or_default();
            Err(Error::environment("the catalogue of scenarios cannot be read")
                .caused_by(format!("{place}{error}")))
        }
    }
}

/// The scenario with this name, if there is one.
///
/// # Errors
/// As [`all`].
pub fn find(name: &str) -> Result<Option<&'static Declaration>> {
    Ok(all()?.iter().find(|declaration| declaration.name == name))
}

/// The names that share the most words with one that does not exist.
#[must_use]
pub fn similar(name: &str) -> Vec<&'static str> {
    let words: Vec<&str> = name.split('-').filter(|word| word.len() > 2).collect();
    let shared = |other: &str| words.iter().filter(|word| other.contains(**word)).count();
    let Ok(table) = all() else { return Vec::new() };
    let most = table.iter().map(|declaration| shared(&declaration.name)).max().unwrap_or(0);
    let close = table.iter().filter(|declaration| most > 0 && shared(&declaration.name) == most);
    close.map(|declaration| declaration.name.as_str()).take(5).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_catalogue_can_be_read_and_names_are_unique() {
        let table = all().unwrap();
        for one in table {
            assert_eq!(table.iter().filter(|other| other.name == one.name).count(), 1, "{one:?}");
            assert!(one.about.len() < 100, "{}: {}", one.name, one.about);
            let declares = one.must.is_some();
            assert_eq!(declares, one.group != Group::Usual, "{}", one.name);
        }
        assert!(table.len() > 30, "{}", table.len());
    }

    #[test]
    fn what_swarm_does_not_notice_is_never_declared_as_harmless() {
        use crate::record::{Ending, Losses};
        for one in all().unwrap().iter().filter(|one| one.group == Group::Unnoticed) {
            let must = one.must.as_ref().unwrap();
            let harmless = must.outcome == Ending::Completed
                || must.outcome == Ending::RolledBack && must.lowest.is_some();
            assert!(!harmless || must.losses == Losses::Some, "{}", one.name);
        }
    }

    #[test]
    fn a_wrong_name_has_a_similar_one() {
        assert!(similar("never-healthi").contains(&"never-healthy"));
        assert!(similar("xyzzy").is_empty());
    }
}
