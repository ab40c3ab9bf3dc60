//! Removes what this process would leave behind, however it ends.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Reads folders until the end of the pipe, which only the tests' process holds. A test that ends
/// as it should has removed its folder itself.
const SCRIPT: &str = r#"
    trap '' INT TERM HUP
    homes=
    while read -r home; do homes="$homes $home"; done
    for home in $homes; do
        [ -d "$home" ] || continue
        ROLLPROOF_HOME=$home "$0" lab down
        rm -rf "$home"
    done
"#;

static CARETAKER: Mutex<Option<Child>> = Mutex::new(None);

/// Removes the folder and its private engine when this process ends, if they are still there. A
/// process of its own does that, so that a killed test leaves nothing either; an exit waits for it.
pub fn take_care_of(home: &Path) {
    let mut caretaker = CARETAKER.lock().unwrap_or_else(PoisonError::into_inner);
    let caretaker = caretaker.get_or_insert_with(start);
    writeln!(caretaker.stdin.as_ref().unwrap(), "{}", home.display()).unwrap();
}

#[expect(unsafe_code, reason = "the standard library has no hook for the end of a process")]
fn start() -> Child {
    extern "C" fn wait() {
        let caretaker = CARETAKER.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Ends its standard input first.
        let _ = caretaker.map(|mut caretaker| caretaker.wait());
    }
    // SAFETY: the function takes nothing, and ignores every error rather than unwind.
    let refused = unsafe { nix::libc::atexit(wait) };
    assert_eq!(refused, 0);
    let mut caretaker = Command::new("sh");
    caretaker.args(["-c", SCRIPT, env!("CARGO_BIN_EXE_rollproof")]);
    caretaker.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    caretaker.spawn().unwrap()
}
