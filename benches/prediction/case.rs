//! A case: the stack that is deployed, and the same as the model's input.

use std::collections::BTreeMap;
use std::path::Path;

use rollproof::Offset;
use rollproof::plan::{BehaviourFile, Setting};
use rollproof::stack::{Sources, load};
use rollproof::swarm::EngineVersion;
use rollproof::swarm_model::{HopTimes, Input, SlotOrder, Spec};
use serde::Deserialize;
use serde_json::{Value, json};

/// One update that is compared; `cases.yml` explains the keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub replicas: u64,
    #[serde(default)]
    pub health: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    pub update: BTreeMap<String, Value>,
    #[serde(default)]
    pub rollback: BTreeMap<String, Value>,
    #[serde(default)]
    pub restart_policy: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    pub stop_grace_period: Option<String>,
    #[serde(default)]
    pub resources: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    pub image: Option<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub old_env: BTreeMap<String, String>,
    #[serde(default)]
    pub behaviour: BehaviourFile,
}

/// How quickly the app is gone after its stop signal, and ready after its start.
const QUICK: Offset = Offset::from_millis(20);

impl Case {
    /// The stack file, as JSON.
    pub fn stack(&self) -> Value {
        let mut app = json!({
            "image": "rollproof/app:v1",
            "networks": ["web"],
            "environment": self.old_env,
            "deploy": {
                "replicas": self.replicas,
                "endpoint_mode": "dnsrr",
                "update_config": self.update,
                "rollback_config": self.rollback,
            },
        });
        app["healthcheck"] = match &self.health {
            Some(health) => {
                let mut health = json!(health);
                health["test"] = json!(["CMD", "/rollproof-app", "health"]);
                health
            }
            None => json!({ "disable": true }),
        };
        if let Some(grace) = &self.stop_grace_period {
            app["stop_grace_period"] = json!(grace);
        }
        if let Some(policy) = &self.restart_policy {
            app["deploy"]["restart_policy"] = json!(policy);
        }
        if let Some(resources) = &self.resources {
            app["deploy"]["resources"] = json!(resources);
        }
        json!({
            "version": "3.8",
            "services": {
                "app": app,
                "proxy": {
                    "image": "rollproof/caddy:2",
                    "configs": [{ "source": "caddyfile", "target": "/etc/caddy/Caddyfile" }],
                    "networks": ["web"],
                    "ports": [{ "target": 80, "published": 8091, "mode": "host" }],
                },
            },
            "configs": { "caddyfile": { "file": "./Caddyfile" } },
            "networks": { "web": {} },
        })
    }

    /// The same for the model.
    pub fn input(
        &self,
        engine: Option<EngineVersion>,
        hops: Option<HopTimes>,
        order: Option<SlotOrder>,
    ) -> Input {
        let sources = Sources {
            files: vec!["-".to_owned()],
            cwd: Path::new("/").to_owned(),
            stdin: Some(self.stack().to_string().into_bytes()),
            ..Sources::default()
        };
        let mut stack = self.stack();
        stack["services"].as_object_mut().unwrap().remove("proxy");
        stack.as_object_mut().unwrap().remove("configs");
        let sources = Sources { stdin: Some(stack.to_string().into_bytes()), ..sources };
        let requests = load(&sources).unwrap().requests("prediction").unwrap();
        let body = requests.services.iter().find(|body| body.name() == "prediction_app").unwrap();
        let mut setting = Setting::new("app", Spec::of(body, None), QUICK, QUICK);
        self.behaviour.apply(&mut setting);
        setting.engine = engine.unwrap_or(setting.engine);
        setting.hops = hops.unwrap_or_default();
        if let Some(order) = order {
            setting.order = order;
        }
        let [old, new] = setting.behaviours.clone().unwrap_or_else(|| {
            let sound = setting.sound.clone();
            [sound.clone().into(), sound.into()]
        });
        setting.input(old, new)
    }
}
