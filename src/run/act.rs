//! What a scenario does beside one change: requests that make something happen, the same change once
//! more, configs and secrets, and looking on for a set time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::begin::{LOST_AFTER, Run};
use crate::Offset;
use crate::deploy::{Change, OwnerMark};
use crate::engine::{Engine, STACK_LABEL, StackObjectKind};
use crate::error::{Error, Result};
use crate::record::EndReason;
use crate::scenario::{Act, Ask, Scenario};
use crate::stack::{Requests, ServiceBody};
use crate::wording::setting;

/// The body with the ids of the configs and secrets that it names.
///
/// # Errors
/// When one of them does not exist, or the engine does not answer.
pub(super) async fn with_ids(engine: &Engine, body: ServiceBody) -> Result<ServiceBody> {
    let ids = async |kind| -> Result<BTreeMap<String, String>> {
        let objects = engine.objects(kind, None).await?;
        Ok(objects.into_iter().map(|object| (object.name, object.id)).collect())
    };
    let (secrets, configs) =
        (ids(StackObjectKind::Secret).await?, ids(StackObjectKind::Config).await?);
    let mut requests = Requests { services: vec![body.clone()], ..Requests::default() };
    requests.resolve_ids(&secrets, &configs)?;
    Ok(requests.services.pop().unwrap_or(body))
}

/// A request that kills its replica has no answer, but its end comes at once.
const ASKED_WITHIN: Duration = Duration::from_secs(3);

/// What stands in a config or secret that a scenario adds.
const CONTENT: &str = "added by rollproof\n";

impl Run<'_> {
    /// Sends requests that make something happen where users ask. HEAD with a body, because proxies
    /// send a GET that was broken off to the next replica, and Go's HTTP client, which Caddy uses,
    /// sends anything without a body once more (`net/http` `Request.isReplayable`). Whatever they
    /// answer is no matter: a replica that dies answers nothing.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<()> {
        let target = &self.spec.subject.target.url;
        let wrong = |what: &str| Error::usage(format!("cannot ask {target}")).caused_by(what);
        let mut url = reqwest::Url::parse(target).map_err(|error| wrong(&error.to_string()))?;
        url.set_path(&ask.path);
        let client =
            reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().map_err(
                |error| Error::environment("cannot make an HTTP client").caused_by(error),
            )?;
        for number in 0..ask.times {
            if number > 0 {
                sleep(ask.every).await;
            }
            if self.env.interrupt.is_cancelled() {
                return Err(Error::interrupted("interrupted"));
            }
            let answer = timeout(ASKED_WITHIN, client.head(url.clone()).body("once").send()).await;
            let said = match answer {
                Ok(Ok(answer)) => format!("answered {}", answer.status().as_u16()),
                Ok(Err(_)) => "no answer".to_owned(),
                Err(_) => format!("no answer within {} s", ASKED_WITHIN.as_secs()),
            };
            self.recorder.line(format!("  HEAD {}: {said}", ask.path));
        }
        Ok(())
    }

    /// Submits the same spec again after a time, as an impatient pipeline does.
    pub(super) async fn submit_again(&mut self, body: &ServiceBody, after: Duration) -> Result<()> {
        let deadline = Instant::now() + after;
        while Instant::now() < deadline {
            self.until(deadline).await?;
        }
        self.recorder.line("  the same spec is submitted once more");
        self.env.site.manager.update_service(body, None).await.map(drop)
    }

    /// Creates the configs and secrets that a scenario adds, and returns the body with their ids. They
    /// carry the stack's label and this run's, so that they are removed with the stack.
    pub(super) async fn with_contents(
        &self,
        body: ServiceBody,
        scenario: &Scenario,
    ) -> Result<ServiceBody> {
        let Act::Roll(changes) = &scenario.act else { return Ok(body) };
        if changes.iter().any(|change| matches!(change, Change::Option(_))) {
            return with_ids(&self.env.site.manager, body).await;
        }
        let adds =
            |change: &Change| matches!(change, Change::Config { .. } | Change::Secret { .. });
        if !changes.iter().any(adds) {
            return Ok(body);
        }
        let mut body = self.body.clone();
        for change in changes {
            match change {
                Change::Config { name, .. } => {
                    let (id, name) = self.create(StackObjectKind::Config, name).await?;
                    Change::Config { id, name }.apply(&mut body);
                }
                Change::Secret { name, .. } => {
                    let (id, name) = self.create(StackObjectKind::Secret, name).await?;
                    Change::Secret { id, name }.apply(&mut body);
                }
                change => change.apply(&mut body),
            }
        }
        Ok(body)
    }

    async fn create(&self, kind: StackObjectKind, name: &str) -> Result<(String, String)> {
        use base64::Engine as _;
        let stack = &self.spec.subject.stack;
        let name = format!("{stack}_{name}");
        let data = base64::engine::general_purpose::STANDARD.encode(CONTENT);
        let mut body = json!({"Name": name, "Data": data, "Labels": {STACK_LABEL: stack}});
        let owner = self.env.site.owner.clone();
        OwnerMark { owner, run_id: self.id.clone() }.on_object(&mut body);
        Ok((self.env.site.manager.create_object(kind, &body).await?, name))
    }

    /// Looks on until so long after the change, whatever Swarm does. Another scenario can follow only
    /// if the service is at rest then.
    pub(super) async fn watch_on(
        &mut self,
        from: Offset,
        time: Duration,
        replaced: bool,
    ) -> Result<EndReason> {
        let deadline = Instant::from_std(self.clock.instant(from)) + time;
        loop {
            let lost = self.snapshots.borrow_and_update().lost.clone();
            if let Some((since, text)) = lost
                && (self.clock.now() - since).to_duration() > LOST_AFTER
            {
                return Ok(EndReason::EngineLost { text });
            }
            if Instant::now() >= deadline {
                if self.is_at_rest(replaced, from) {
                    return Ok(EndReason::Settled);
                }
                let time = setting(time.as_secs_f64());
                return Ok(EndReason::Deadline {
                    text: format!("looked at it for {time}, as the scenario says"),
                });
            }
            self.until(deadline).await?;
        }
    }
}
