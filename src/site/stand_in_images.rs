//! Images that neither an engine nor a registry has, and stand-ins for them.

use std::collections::BTreeMap;
use std::time::Instant;

use super::load_images::build;
use super::{EngineKind, Site, StateFolder};
use crate::error::{Error, Result};
use crate::image::{OWN_IMAGES, Programs, StandInImage, find_app_binary};
use crate::stack::ServiceBody;
use crate::wording::list;

impl Site {
    /// Loads a stand-in for each image of these services that a private engine lacks. One that stays
    /// in a lab is made again where the stack says something else of it.
    ///
    /// # Errors
    /// A usage error on an engine that is not private; when a program for an image cannot be found,
    /// or an engine refuses one.
    pub async fn stand_in_images<'a>(
        &self,
        state: &StateFolder,
        services: impl IntoIterator<Item = &'a ServiceBody>,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<()> {
        match self.kind {
            EngineKind::Lab => {}
            // It has every image.
            EngineKind::Simulated => return Ok(()),
            EngineKind::Host => {
                return Err(Error::usage("--stand-in-images is for a private engine").hint(
                    "--engine lab uses one; on this engine, a stand-in would be taken for the image",
                ));
            }
        }
        let mut users: BTreeMap<&str, Vec<&ServiceBody>> = BTreeMap::new();
        for body in services {
            users.entry(body.image()).or_default().push(body);
        }
        let mut lacking = Vec::new();
        for (image, bodies) in users {
            // What is loaded has no digest of a registry.
            if image.is_empty() || image.starts_with(OWN_IMAGES) || image.contains('@') {
                continue;
            }
            let mut there = true;
            for engine in &self.engines {
                there &= engine.image(image).await?.is_some_and(|image| !image.is_stand_in());
            }
            if !there {
                lacking.push(StandInImage::of(image, &bodies));
            }
        }
        if lacking.is_empty() {
            return Ok(());
        }
        state.create()?;
        for image in &lacking {
            let does = if image.ends {
                "ends at once".to_owned()
            } else {
                let ports: Vec<String> = image.ports.iter().map(u16::to_string).collect();
                format!("answers on {} {}", noun(ports.len()), list(&ports))
            };
            tell(&format!("image {} is a stand-in, which {does}", image.name));
        }
        let programs = Programs::new(state.path());
        let app = find_app_binary(None)?;
        let begin = Instant::now();
        let built = build(move || {
            lacking.iter().map(|image| image.build(&programs, &app)).collect::<Result<Vec<_>>>()
        });
        self.load(state, &built.await?, begin, &|_| ()).await.map(drop)
    }
}

fn noun(ports: usize) -> &'static str {
    if ports == 1 { "port" } else { "ports" }
}
