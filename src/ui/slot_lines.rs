//! The replicas in the live area: a line for each, or all in one.

use std::collections::BTreeMap;

use anstyle::Style;
use console::measure_text_width;

use super::mode::Palette;
use super::slots::{Slot, SlotKey, SlotTable};
use super::task_line::TaskLine;
use crate::Offset;
use crate::wording::{count, cut, wrap};

/// More replicas than this are shown in one line, as docker leaves out its bars above 20.
const MOST: usize = 20;

/// The replicas and how to show them.
pub(super) struct Lines<'a> {
    /// All that is known of them.
    pub slots: &'a SlotTable,
    /// The service under test, if known: other services show up only while they change.
    pub service: Option<&'a str>,
    /// Whether a starting replica waits for its health check.
    pub health_checked: bool,
    /// The time so far.
    pub now: Offset,
    /// The terminal's colours.
    pub palette: Palette,
}

/// A piece of a line and its style.
type Piece = (Style, String);

impl Lines<'_> {
    /// Lines of at most `width` cells, and at most `room` of them.
    pub fn fitting(&self, width: usize, room: usize) -> Vec<String> {
        let shown: Vec<(&SlotKey, &Slot)> =
            self.slots.all().filter(|(key, slot)| self.is_shown(key, slot)).collect();
        if shown.len() > MOST.min(room) {
            if room == 0 {
                return Vec::new();
            }
            let lines = wrap(&folded(&shown), width.saturating_sub(2), room.min(3));
            return lines.into_iter().map(|line| format!("  {line}")).collect();
        }
        self.each(&shown, true, width)
            .or_else(|| self.each(&shown, false, width))
            .unwrap_or_else(|| self.narrow(&shown, width))
    }

    fn is_shown(&self, key: &SlotKey, slot: &Slot) -> bool {
        let settled = || slot.tasks().last().is_some_and(TaskLine::is_serving);
        self.service.is_none_or(|service| key.service == service || !settled())
    }

    /// One line for each, in columns; nothing if a line is too wide.
    fn each(&self, shown: &[(&SlotKey, &Slot)], image: bool, width: usize) -> Option<Vec<String>> {
        let rows: Vec<Vec<Vec<Piece>>> =
            shown.iter().map(|(key, slot)| self.cells(key, slot, image)).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| rows.iter().map(|row| row.get(column).map_or(0, |c| cells_wide(c))).max())
            .map(Option::unwrap_or_default)
            .collect();
        let lines: Vec<String> = rows.iter().map(|row| self.join(row, &widths)).collect();
        lines.iter().all(|line| measure_text_width(line) <= width).then_some(lines)
    }

    /// One line for each without columns, cut where the width ends.
    fn narrow(&self, shown: &[(&SlotKey, &Slot)], width: usize) -> Vec<String> {
        let line = |&(key, slot): &(&SlotKey, &Slot)| {
            cut(&self.join(&self.cells(key, slot, false), &[]), width)
        };
        shown.iter().map(line).collect()
    }

    /// The slot's name, then each of its tasks.
    fn cells(&self, key: &SlotKey, slot: &Slot, image: bool) -> Vec<Vec<Piece>> {
        let name = if key.slot > 0 && self.service == Some(&key.service) {
            format!("slot {}", key.slot)
        } else {
            self.slots.slot_name(key)
        };
        let mut cells = vec![vec![(Style::new(), format!("  {name}"))]];
        cells.extend(slot.shown().into_iter().map(|task| {
            let version = format!("{} ", task.version(image));
            let state = task.state_for(self.now, self.health_checked);
            vec![(Style::new(), version), (task.style(), state)]
        }));
        cells
    }

    fn join(&self, row: &[Vec<Piece>], widths: &[usize]) -> String {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            for (style, text) in cell {
                line.push_str(&self.palette.paint(*style, text));
            }
            if column + 1 < row.len() {
                let wide = widths.get(column).map_or(0, |width| width - cells_wide(cell));
                line.push_str(&" ".repeat(wide + 2));
            }
        }
        line
    }
}

fn cells_wide(cell: &[Piece]) -> usize {
    cell.iter().map(|(_, text)| measure_text_width(text)).sum()
}

/// `24 slots: 20 × #1 running · 2 × #1 running → shutting down · 2 × #2 starting`.
fn folded(shown: &[(&SlotKey, &Slot)]) -> String {
    let mut groups: BTreeMap<(u32, String), u64> = BTreeMap::new();
    for task in shown.iter().flat_map(|(_, slot)| slot.shown()) {
        *groups.entry((task.seen.generation, task.state())).or_default() += 1;
    }
    let groups: Vec<String> = groups
        .into_iter()
        .map(|((generation, state), number)| format!("{} × #{generation} {state}", count(number)))
        .collect();
    format!("{} slots: {}", shown.len(), groups.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::super::replay::{seen, task};
    use super::*;
    use crate::swarm::TaskState::{Preparing, Running, Shutdown, Starting};

    fn table(replicas: u64) -> SlotTable {
        let mut table = SlotTable::default();
        table.stack("demo");
        for slot in 1..=replicas {
            table.event(&seen(0, task(&format!("o{slot}"), slot, 1, Running, Running)));
        }
        table.event(&seen(1_000, task("o1", 1, 1, Shutdown, Shutdown)));
        table.event(&seen(1_000, task("n1", 1, 2, Starting, Running)));
        table.event(&seen(2_000, task("o2", 2, 1, Running, Shutdown)));
        table.event(&seen(2_000, task("n2", 2, 2, Preparing, Running)));
        table
    }

    fn lines(table: &SlotTable, width: usize, room: usize) -> Vec<String> {
        let palette = Palette { colour: false };
        let now = Offset::from_millis(5_000);
        let service = Some("demo_app");
        Lines { slots: table, service, health_checked: true, now, palette }.fitting(width, room)
    }

    #[test]
    fn both_versions_in_columns() {
        assert_eq!(
            lines(&table(3), 99, 20),
            [
                "  slot 1  #1 app:v1 shutdown                       #2 app:v2 starting (health: 4 s)",
                "  slot 2  #1 app:v1 running → shutting down (3 s)  #2 app:v2 preparing (3 s)",
                "  slot 3  #1 app:v1 running",
            ]
        );
    }

    #[test]
    fn narrow_terminals_lose_the_image_then_the_columns() {
        assert_eq!(
            lines(&table(3), 70, 20)[1],
            "  slot 2  #1 running → shutting down (3 s)  #2 preparing (3 s)"
        );
        let narrow = lines(&table(3), 40, 20);
        assert_eq!(narrow[0], "  slot 1  #1 shutdown  #2 starting (hea…");
        assert!(narrow.iter().all(|line| measure_text_width(line) <= 40));
    }

    #[test]
    fn many_replicas_fold_into_one_line() {
        let text = "  24 slots: 22 × #1 running · 1 × #1 running → shutting down · \
                    1 × #1 shutdown · 1 × #2 preparing · 1 × #2 starting";
        assert_eq!(lines(&table(24), 200, 40), [text]);
        assert_eq!(lines(&table(6), 200, 5).len(), 1, "no room for six lines");
        assert!(lines(&table(6), 200, 0).is_empty());
    }

    #[test]
    fn other_services_show_only_while_they_change() {
        let mut table = table(2);
        let mut proxy = task("p", 1, 3, Starting, Running);
        proxy.service = "demo_proxy".into();
        table.event(&seen(0, proxy.clone()));
        assert_eq!(lines(&table, 99, 20)[2], "  proxy.1  #3 app:v3 starting (health: 5 s)");
        proxy.state = Running;
        table.event(&seen(0, proxy));
        assert_eq!(lines(&table, 99, 20).len(), 2);
    }
}
