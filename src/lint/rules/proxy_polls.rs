//! SRU041: a proxy that learns of tasks late.

use super::prelude::*;
use crate::lint::subject::image_name;

pub(super) static RULE: Rule = Rule {
    number: "SRU041",
    name: "proxy-polls",
    severity: Severity::Warning,
    title: "the proxy learns only every few seconds which tasks there are",
    why: "Traefik and caddy-docker-proxy ask Swarm every 15 s or 30 s and send requests to the tasks \
          themselves, so also to those that have stopped meanwhile.",
    page: "\
Warning for a service with Traefik's labels and no `traefik.swarm.lbswarm=true` (`traefik.docker.lbswarm`
for version 2), if it has several replicas or is updated start-first, and for one with the labels of
caddy-docker-proxy. Not if the Traefik of the same stack has `refreshSeconds` of 1 or 2. A service with one
replica that is updated stop-first has an outage anyway (SRU015).

With lbswarm, Traefik sends requests to the virtual IP, and Swarm's load balancer leaves out tasks that
stop.

Sources: traefik#1480, #7373, #7886, #11252; lucaslorentz/caddy-docker-proxy#129.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let matters = s.replicas > 1 || s.is_start_first();
    let (Some(proxy), true) = (s.proxy_labels(), matters) else { return Vec::new() };
    let labels = &s.body.as_value()["Labels"];
    let on = |key: &str| labels[key] == "true";
    if proxy == "caddy" {
        let message = "caddy-docker-proxy asks for tasks every 30 s and sends requests to stopped ones meanwhile";
        let help = "set `CADDY_DOCKER_POLLING_INTERVAL=1s` at the proxy, and `lb_try_duration` for retries";
        return vec![Draft::new("labels", message).help(help)];
    }
    let through_swarm =
        ["traefik.swarm.lbswarm", "traefik.docker.lbswarm", "traefik.backend.loadbalancer.swarm"];
    let through_swarm = through_swarm.into_iter().any(on);
    if through_swarm || s.body.endpoint_mode() == ResolutionMode::Dnsrr || polls_often(s) {
        return Vec::new();
    }
    let message = "Traefik asks for tasks every 15 s and sends requests to stopped ones meanwhile";
    let help = "add the label `traefik.swarm.lbswarm=true` (Traefik 2: `traefik.docker.lbswarm=true`) under \
                `deploy.labels`";
    vec![Draft::new("labels", message).help(help)]
}

/// Whether the Traefik of the stack asks at least every 2 s.
fn polls_often(s: &Subject) -> bool {
    let traefik = s.all.iter().filter(|other| image_name(other) == "traefik");
    traefik.into_iter().any(|body| {
        let container = &body.as_value()["TaskTemplate"]["ContainerSpec"];
        let words = ["Command", "Args"].into_iter().filter_map(|key| container[key].as_array());
        words.flatten().filter_map(|word| word.as_str()).any(|word| {
            let word = word.to_lowercase();
            let seconds = word.split_once("refreshseconds=").map(|(_, time)| time);
            seconds.is_some_and(|time| matches!(time.trim_end_matches('s'), "1" | "2"))
        })
    })
}
