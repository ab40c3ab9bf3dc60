//! Reads any bytes as a stack file: reading ends with a stack or an error, and every stack can be
//! printed and converted.
//!
//!     cargo +nightly fuzz run stack -- -max_total_time=600 -rss_limit_mb=256 -timeout=10

#![no_main]

use libfuzzer_sys::fuzz_target;
use rollproof::stack::{Sources, load};

fuzz_target!(|bytes: &[u8]| {
    let sources = Sources {
        files: vec!["-".into()],
        env: [("A".to_owned(), "1".to_owned())].into(),
        home: None,
        // A folder that does not exist: only the text is under test.
        cwd: "/nowhere".into(),
        stdin: Some(bytes.to_vec()),
    };
    if let Ok(stack) = load(&sources) {
        let _ = stack.to_yaml();
        let _ = stack.requests("st").map(|requests| requests.to_json());
    }
});
