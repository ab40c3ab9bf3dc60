//! The terminal, seen from outside: a whole run replayed, and what then stands on the screen.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};

use rollproof::Offset;
use rollproof::ui::{LogWriter, Mode, Screen, Size, Terminal};

use crate::ui_run::Run;

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

/// A terminal emulator to write to, whose size can be changed.
#[derive(Clone)]
struct Emulator(Arc<Mutex<vt100::Parser>>);

impl Emulator {
    fn new(columns: u16, rows: u16) -> Self {
        Self(Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 500))))
    }

    fn terminal(&self) -> Terminal {
        let parser = Arc::clone(&self.0);
        Terminal::to(self.clone(), move || {
            let (rows, columns) = parser.lock().unwrap().screen().size();
            Size { columns: columns.get().into(), rows: rows.get().into() }
        })
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.0.lock().unwrap().screen_mut().set_size(cells(rows), cells(columns));
    }

    /// The screen's rows without those that are empty at its end.
    fn rows(&self) -> Vec<String> {
        let parser = self.0.lock().unwrap();
        parser.screen().contents().lines().map(str::to_owned).collect()
    }
}

impl Write for Emulator {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A terminal's driver turns a line feed into carriage return and line feed.
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut parser = self.0.lock().unwrap();
            match line.strip_suffix(b"\n") {
                Some(text) => parser.process(&[text, b"\r\n"].concat()),
                None => parser.process(line),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn screen(mode: Mode, colour: bool, terminal: Terminal) -> Screen {
    Screen::new(mode, colour, terminal)
}

fn unsized_terminal(kept: &Kept) -> Terminal {
    Terminal::to(kept.clone(), || Size { columns: 80, rows: 24 })
}

/// What stands on a screen of that size after that many milliseconds of the run.
fn live(columns: u16, rows: u16, colour: bool, until: i64) -> (Emulator, Screen) {
    let emulator = Emulator::new(columns, rows);
    let mut screen = screen(Mode::Live, colour, emulator.terminal());
    Run::update_and_rollback().play(&mut screen, until, |_, _| ());
    (emulator, screen)
}

/// What is printed of the whole run where there is no terminal.
fn plain(verbose: bool) -> String {
    let kept = Kept::default();
    let mut screen = screen(Mode::Plain, true, unsized_terminal(&kept)).verbose(verbose);
    Run::update_and_rollback().play(&mut screen, i64::MAX, |_, _| ());
    drop(screen);
    kept.text()
}

#[test]
fn the_log_of_a_run_is_short() {
    let text = plain(false);
    assert!(text.lines().count() <= 60, "{text}");
    assert!(!text.contains(['\r', '\u{1b}']), "plain output has no escapes");
    insta::assert_snapshot!(text);
}

#[test]
fn the_verbose_log_has_every_step() {
    let text = plain(true);
    assert!(!text.contains(['\r', '\u{1b}']), "plain output has no escapes");
    insta::assert_snapshot!(text);
}

/// With `--explain`, each step comes with its rule, said once, and the setting behind it.
#[test]
fn the_explained_log_has_the_rules() {
    let kept = Kept::default();
    let mut screen = screen(Mode::Plain, true, unsized_terminal(&kept)).explained(true);
    Run::update_and_rollback().play(&mut screen, i64::MAX, |_, _| ());
    drop(screen);
    let text = kept.text();
    let short = plain(false);
    assert!(short.lines().all(|line| text.contains(line)), "{text}");
    assert!(text.contains("service: Swarm begins to replace tasks"), "{text}");
    assert!(text.contains("why: 2 slots at a time [update_config.parallelism]"), "{text}");
    assert!(text.contains("[update_config.monitor]"), "{text}");
    let whys: Vec<&str> =
        text.lines().filter_map(|line| line.split_once("why: ")).map(|(_, why)| why).collect();
    let once: std::collections::BTreeSet<&&str> = whys.iter().collect();
    assert_eq!(whys.len(), once.len(), "{text}");
}

#[test]
fn quiet_says_nothing() {
    let kept = Kept::default();
    let mut screen = screen(Mode::Quiet, true, unsized_terminal(&kept));
    Run::update_and_rollback().play(&mut screen, i64::MAX, |_, _| ());
    drop(screen);
    assert_eq!(kept.text(), "");
}

#[test]
fn live_in_the_middle_of_an_update() {
    let (emulator, _screen) = live(80, 24, false, 10_990);
    insta::assert_snapshot!(emulator.rows().join("\n"));
}

#[test]
fn live_while_swarm_watches_the_new_replicas() {
    let (emulator, _screen) = live(80, 24, false, 33_950);
    insta::assert_snapshot!(emulator.rows().join("\n"));
}

#[test]
fn live_in_a_small_terminal() {
    let (emulator, _screen) = live(60, 20, false, 52_920);
    insta::assert_snapshot!(emulator.rows().join("\n"));
}

#[test]
fn live_during_a_rollback() {
    let (emulator, _screen) = live(60, 20, false, 58_030);
    insta::assert_snapshot!(emulator.rows().join("\n"));
}

#[test]
fn live_fits_into_any_window() {
    for (columns, rows) in [(20, 4), (40, 8), (200, 12)] {
        for until in [2_000, 11_000] {
            let (emulator, screen) = live(columns, rows, true, until);
            let last = emulator.rows().pop().unwrap();
            drop(screen);
            assert!(!last.is_empty());
            assert!(!emulator.rows().contains(&last), "{last:?} stays at {columns}x{rows}");
        }
    }
}

#[test]
fn the_end_leaves_only_the_milestones() {
    let (emulator, screen) = live(100, 50, true, i64::MAX);
    drop(screen);
    let rows = emulator.rows();
    assert!(
        rows.iter().all(|row| !row.contains("so far") && !row.starts_with("  slot ")),
        "{rows:?}"
    );
    assert_eq!(rows.last().unwrap(), "[ 70s] clean-up: removing the stack demo");
    assert!(!emulator.0.lock().unwrap().screen().hide_cursor());
}

#[test]
fn colour_changes_no_word() {
    let (plain, _one) = live(100, 30, false, 55_000);
    let (coloured, _two) = live(100, 30, true, 55_000);
    assert_eq!(plain.rows(), coloured.rows());
    let formatted = |emulator: &Emulator| {
        emulator.0.lock().unwrap().screen().contents_formatted().matches("\u{1b}[31m").count()
    };
    assert_eq!(formatted(&plain), 0);
    assert!(formatted(&coloured) > 0);
}

#[test]
fn a_short_run_does_not_flash() {
    let (emulator, _screen) = live(100, 30, false, 210);
    assert_eq!(emulator.rows().len(), 1, "{:?}", emulator.rows());
}

#[test]
fn printed_lines_and_log_lines_stand_above_the_area() {
    let emulator = Emulator::new(100, 30);
    let terminal = emulator.terminal();
    let mut screen = screen(Mode::Live, false, terminal.clone());
    let mut log = LogWriter::new(terminal.clone());
    Run::update_and_rollback().play(&mut screen, 8_000, |_, now| match now {
        7_000 => terminal.print("printed by the driver"),
        7_490 => log.write_all(b"WARN the registry is slow\n").unwrap(),
        _ => (),
    });
    let rows = emulator.rows();
    let at = |text: &str| rows.iter().position(|row| row.contains(text)).unwrap();
    assert!(at("printed by the driver") < at("WARN the registry is slow"));
    assert!(at("WARN the registry is slow") < at("update: Swarm is stopping"));
    assert_eq!(rows.iter().filter(|row| row.contains("slot 3")).count(), 1, "{rows:?}");
    assert_eq!(at("so far"), rows.len() - 1);
}

#[test]
fn a_window_that_grows_loses_no_line_above_the_area() {
    let emulator = Emulator::new(100, 30);
    let mut screen = screen(Mode::Live, false, emulator.terminal());
    let shown = |emulator: &Emulator| {
        emulator
            .rows()
            .into_iter()
            .filter(|row| row.contains("app:v1 → app:v2, 6 replicas"))
            .count()
    };
    Run::update_and_rollback().play(&mut screen, 9_000, |_, now| {
        match now {
            7_000 => emulator.resize(120, 30),
            7_490 => emulator.resize(140, 35),
            7_980 => emulator.resize(140, 28),
            _ => return,
        }
        assert_eq!(shown(&emulator), 1);
    });
    let rows = emulator.rows();
    assert_eq!(shown(&emulator), 1, "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row.contains("so far")).count(), 1, "{rows:?}");
}

#[test]
fn it_is_drawn_at_most_fifteen_times_a_second() {
    #[derive(Clone, Default)]
    struct Writes(Arc<Mutex<usize>>);
    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            *self.0.lock().unwrap() += 1;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let writes = Writes::default();
    let terminal = Terminal::to(writes.clone(), || Size { columns: 80, rows: 24 });
    let mut screen = screen(Mode::Live, false, terminal);
    for millis in 0..10_000 {
        screen.tick(Offset::from_millis(millis));
    }
    let drawn = *writes.0.lock().unwrap();
    assert!((100..=150).contains(&drawn), "drawn {drawn} times in ten seconds");
}
