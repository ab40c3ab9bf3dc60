//! The name that a mistyped one was probably meant to be.

/// The known name that is most like `word`, whatever its case and the dashes in it; absent if none is
/// much like it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
    let word = plain(word);
    known
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&plain(name), &word), name))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}
