//! SRU050: the image's tag does not say which version it is.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU050",
    name: "image-moves",
    severity: Severity::Warning,
    title: "the image's tag does not name a version",
    why: "`latest` is another image tomorrow: a change of a setting brings a new version with it, and \
          without a registry Swarm does not see that the image has changed.",
    page: "\
Warning if the image has the tag `latest`, or neither a tag nor a digest. `docker stack deploy` asks the
registry for the digest each time and so deploys whatever the tag means by then; where it cannot ask, it
changes nothing, and nodes may run different images under one name.

Sources: docker/cli cli/command/stack/swarm/deploy_composefile.go; docker/cli#787; moby#31357.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    // The client has added `latest` where there is no tag.
    if !s.body.image().ends_with(":latest") {
        return Vec::new();
    }
    let message = format!("`{}` is another version whenever it is deployed", s.body.image());
    vec![
        Draft::new("image", message)
            .help("name a version: a tag that is never used again, or a digest"),
    ]
}
