//! Stacks with one fault, and the same stacks with the lines that the report says to change.

use super::workplace::{Workplace, sound};
use serde_json::Value;

/// A stack with one fault: an application behind a proxy.
pub struct Faulty<'a> {
    /// The stack's name, which no other test uses.
    pub name: &'static str,
    /// Lines of the application's service.
    pub service: &'static str,
    /// Lines of its `deploy` block.
    pub deploy: &'static str,
    /// How the proxy asks a replica.
    pub proxy: &'a str,
    /// The command that finds the fault, and its arguments.
    pub run: &'a [&'a str],
}

pub const CHECKED: &str = "
    healthcheck:
      test: [CMD, /rollproof-app, health]
      interval: 500ms
      timeout: 2s
      retries: 3";
pub const FAILS_ONCE_STACK: &str = "
    environment: {ROLLPROOF_SLOT: '{{.Task.Slot}}'}
    volumes: ['data:/data']
    healthcheck: {test: [CMD, /rollproof-app, health], interval: 500ms, timeout: 2s, retries: 3}";
pub const CHECKED_WITH_SLOT: &str = "
    environment: {ROLLPROOF_SLOT: '{{.Task.Slot}}'}
    healthcheck:
      test: [CMD, /rollproof-app, health]
      interval: 500ms
      timeout: 2s
      retries: 3";
/// Healthy at first, and unhealthy some seconds later; of slot 1 only, so that the others can
/// take over.
pub const FAILS_LATE: &str = r#"[ "$ROLLPROOF_SLOT" != 1 ] || { [ "$(cat /n 2>/dev/null)" != xxxxxxxx ] && printf x >> /n; }"#;
/// Never healthy in the first task of slot 1, which leaves its name in a volume.
pub const FAILS_ONCE: &str = r#"[ "$ROLLPROOF_SLOT" != 1 ] || { [ -e /data/name ] || hostname > /data/name; [ "$(cat /data/name)" != "$(hostname)" ]; }"#;
/// Hides nothing.
pub const ONE_TRY: &str = "";
/// Tries another replica.
pub const CAREFUL: &str = "    lb_try_duration 2s\n    lb_try_interval 50ms";
/// The least probing that shows the faults.
pub const SHORT: [&str; 6] = ["--rate", "100", "--baseline", "1s", "--settle", "1s"];

/// A stack file in which the application is named `app`.
pub fn stack_file(place: &Workplace, service: &str, deploy: &str, proxy: &str) -> String {
    let caddyfile = format!(
        "{{\n  admin off\n}}\n:80 {{\n  reverse_proxy {{\n    dynamic a {{\n      name tasks.app\n      \
         port 8000\n      refresh 1s\n    }}\n{proxy}\n  }}\n}}\n"
    );
    place.file("Caddyfile", &caddyfile);
    let text = format!(
        r#"version: "3.8"
services:
  app:
    image: rollproof/app:v1
    networks: [web]{service}
    deploy:
      endpoint_mode: dnsrr
      restart_policy: {{condition: any, delay: 500ms}}{deploy}
  proxy:
    image: rollproof/caddy:2
    deploy: {{placement: {{constraints: [node.role == manager]}}}}
    configs: [{{source: caddyfile, target: /etc/caddy/Caddyfile}}]
    networks: [web]
    ports: [{{target: 80, published: {port}, mode: host}}]
configs:
  caddyfile: {{file: ./Caddyfile}}
networks:
  web: {{}}
volumes:
  data: {{}}
"#,
        port = place.port(),
    );
    place.file("stack.yml", &text)
}

/// Puts the lines that a report printed where it says into the service `app` of a stack file, as
/// its reader would do, and writes the result beside it.
pub fn with_fix(place: &Workplace, file: &str, advice: &Value) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    check_place(&text, advice);
    let mut stack: Value = serde_yaml::from_str(&text).unwrap();
    let lines: Vec<&str> =
        advice["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let change: Value = serde_yaml::from_str(&lines.join("\n")).unwrap();
    let service = &mut stack["services"]["app"];
    let block = match advice["block"].as_str().unwrap() {
        "deploy" => &mut service["deploy"],
        "service" => service,
        other => panic!("no place for lines of `{other}`"),
    };
    merge(block, &change);
    // JSON is YAML.
    place.file("fixed.yml", &serde_json::to_string_pretty(&stack).unwrap())
}

/// The place is a line of the file that has the setting, its block or the service.
pub fn check_place(text: &str, advice: &Value) {
    let Some(at) = advice["place"].as_str() else { return };
    let line: usize = at.strip_prefix("stack.yml:").unwrap().parse().unwrap();
    let found = text.lines().nth(line - 1).unwrap().trim();
    let lines = advice["lines"].to_string();
    let key = found.split(':').next().unwrap();
    assert!(key == "app" || lines.contains(key), "{at} is `{found}`, the lines are {lines}");
}

pub fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change.clone(),
    }
}

/// The advice of the report's one failed scenario, which has to be its one reason.
#[track_caller]
pub fn only_advice(report: &Value) -> Value {
    assert_eq!(report["verdict"], "fail", "{:#}", report["because"]);
    assert_eq!(report["because"].as_array().unwrap().len(), 1, "{:#}", report["because"]);
    let failed: Vec<&Value> = report["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|scenario| scenario["verdict"] == "fail")
        .collect();
    assert_eq!(failed.len(), 1);
    failed[0]["advice"].clone()
}

impl Faulty<'_> {
    /// Runs the command on the stack and returns the report.
    pub fn report(&self, place: &Workplace, file: &str, name: &str) -> Value {
        place.run(&["deploy", "-c", file, name]).expect(0);
        let (command, args) = self.run.split_first().unwrap();
        let of_test = |key: &&str| !args.contains(key);
        let short = SHORT.chunks(2).filter(|pair| of_test(&pair[0])).flatten().copied();
        let args: Vec<&str> = [*command, name, "--json"]
            .into_iter()
            .chain(short)
            .chain(args.iter().copied())
            .collect();
        let report = place.run(&args).json();
        // A copy for whoever asks why a test failed.
        eprintln!("{}", place.run(&["report"]).out);
        report
    }

    /// Finds the fault, whose cause and fix must contain these words and lines, and applies the fix.
    /// Returns the report of the fault.
    #[track_caller]
    pub fn is_fixed_by(&self, because: &str, lines: &[&str]) -> Value {
        self.is_fixed_on(&Workplace::large_shared(), because, lines)
    }

    #[track_caller]
    pub fn is_fixed_on(&self, place: &Workplace, because: &str, lines: &[&str]) -> Value {
        let file = stack_file(place, self.service, self.deploy, self.proxy);
        let found = self.report(place, &file, self.name);
        let advice = only_advice(&found);
        assert!(advice["because"].as_str().unwrap().contains(because), "{advice:#}");
        place.run(&["down", self.name]).expect(0);
        let printed = advice["lines"].to_string();
        assert!(!lines.is_empty() && lines.iter().all(|line| printed.contains(line)), "{advice:#}");
        let fixed = with_fix(place, &file, &advice);
        let name = format!("{}-fixed", self.name);
        let mut report = self.report(place, &fixed, &name);
        // Where other tests kept the machine busy, the report says to run again.
        for _ in 0..2 {
            if report["verdict"] == "inconclusive" {
                report = self.report(place, &fixed, &name);
            }
        }
        sound(&report);
        found
    }
}
