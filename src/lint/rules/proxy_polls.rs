//! SRU041: a proxy that learns of tasks late.

use super::prelude::*;

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
caddy-docker-proxy. Not if the proxy of the same stack is told to ask at least every 2 s: Traefik with
`refreshSeconds`, caddy-docker-proxy with `CADDY_DOCKER_POLLING_INTERVAL`. A service with one replica that is
updated stop-first has an outage anyway (SRU015).

With lbswarm, Traefik sends requests to the virtual IP, and Swarm's load balancer leaves out tasks that
stop. With `endpoint_mode: dnsrr` there is no virtual IP, and Traefik ignores the label.

Measured with Traefik 3.7.15 and three replicas, start-first: with 15 s, 139 of 1,684 requests were lost in
an update, and none of 1,830 with 1 s.

Sources: traefik#1480, #7373, #7886, #11252; lucaslorentz/caddy-docker-proxy#129.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let matters = s.replicas > 1 || s.is_start_first();
    let polling = s.body.proxy_polling(s.all).filter(|found| matters && found.is_late());
    let Some(polling) = polling else { return Vec::new() };
    let message = format!(
        "{} asks for tasks every {} and sends requests to stopped ones meanwhile",
        polling.proxy,
        wording::setting(polling.every_s)
    );
    vec![Draft::new("labels", message).help(polling.remedy())]
}
