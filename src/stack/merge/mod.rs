//! Merges several files by the client's rules: later values win unless they are empty, maps are
//! merged by key, lists are appended or merged by a key of their items.

mod service;

use std::collections::btree_map::Entry;

use super::model::{Config, MaybeTexts, Texts};
use super::warning::Warnings;

/// Merges a later file into the earlier ones. Networks, volumes, secrets and configs are replaced
/// as a whole; the later file's `x-*` keys are dropped.
pub(crate) fn merge(base: &mut Config, later: Config, warnings: &mut Warnings) {
    for (name, service) in later.services {
        match base.services.entry(name) {
            Entry::Occupied(mut entry) => service::merge(entry.get_mut(), service, warnings),
            Entry::Vacant(entry) => {
                entry.insert(service);
            }
        }
    }
    base.networks.extend(later.networks);
    base.volumes.extend(later.volumes);
    base.secrets.extend(later.secrets);
    base.configs.extend(later.configs);
}

/// A later string wins unless it is empty.
fn text(base: &mut String, later: String) {
    if !later.is_empty() {
        *base = later;
    }
}

/// A later `true` wins; `false` counts as absent.
fn flag(base: &mut bool, later: bool) {
    *base |= later;
}

/// A later number wins unless it is 0.
fn number<T: PartialEq + Default>(base: &mut T, later: T) {
    if later != T::default() {
        *base = later;
    }
}

/// A later value wins, even 0.
fn given<T>(base: &mut Option<T>, later: Option<T>) {
    if later.is_some() {
        *base = later;
    }
}

/// A later value wins, unless it is empty and there already is one.
fn filled<T: PartialEq + Default>(base: &mut Option<T>, later: Option<T>) {
    if base.is_none() || later.as_ref().is_some_and(|later| *later != T::default()) {
        given(base, later);
    }
}

/// Lists are appended; repetitions stay.
fn list<T>(base: &mut Vec<T>, later: Vec<T>) {
    base.extend(later);
}

/// Lists are appended; if one is absent and the other empty, the result is absent.
fn maybe_list<T>(base: &mut Option<Vec<T>>, later: Option<Vec<T>>) {
    let later = later.unwrap_or_default();
    if !later.is_empty() {
        base.get_or_insert_default().extend(later);
    }
}

/// Strings by key: later ones win, even empty ones.
fn texts(base: &mut Texts, later: Texts) {
    base.extend(later);
}

/// Variables by key: later ones win, unless they are empty or missing and there already is one.
fn maybe_texts(base: &mut MaybeTexts, later: MaybeTexts) {
    for (key, value) in later {
        let kept = base.get(&key).is_some_and(|old| old.as_ref().is_some_and(|s| !s.is_empty()));
        if !kept || value.as_ref().is_some_and(|value| !value.is_empty()) {
            base.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_does_not_unset_one() {
        let some = |text: &str| Some(text.to_owned());
        for (old, new, expected) in [
            (some("a"), None, some("a")),
            (some("a"), some(""), some("a")),
            (some("a"), some("b"), some("b")),
            (some(""), None, None),
            (None, some(""), some("")),
            (None, None, None),
        ] {
            let mut base = MaybeTexts::from([("K".to_owned(), old)]);
            maybe_texts(&mut base, MaybeTexts::from([("K".to_owned(), new)]));
            assert_eq!(base["K"], expected);
        }
    }

    #[test]
    fn zero_does_not_win_where_the_client_cannot_tell_it_from_absent() {
        let mut base = Some(5);
        filled(&mut base, Some(0));
        assert_eq!(base, Some(5));
        given(&mut base, Some(0));
        assert_eq!(base, Some(0));
        let mut base = None;
        filled(&mut base, Some(0));
        assert_eq!(base, Some(0));
    }
}
