//! Global services, constraints and nodes.

use serde_json::json;

use super::{Case, GOOD, states, touched};

/// A global service has a slot a node, and its tasks stay on their nodes.
#[test]
fn a_global_service_is_updated_node_by_node() {
    let course = Case::new(
        "deploy:\n  mode: global\n  update_config: {parallelism: 1, monitor: 50ms}",
        "nodes: [{hostname: a}, {hostname: b}, {hostname: c}]\n",
    )
    .plan();
    assert_eq!((states(&course), touched(&course)), (GOOD.to_vec(), 3));
    assert_eq!(course["capacity"]["lowest_serving"], 2);
    assert_eq!(course["most_tasks_on_a_node"], 2);
}

const ZONES: &str = "nodes: [{hostname: a, labels: {zone: x}}, {hostname: b, labels: {zone: x}}, \
                     {hostname: c, labels: {zone: y}}]\n";

const IN_X: &str = "deploy:\n  mode: global\n  placement: {constraints: ['node.labels.zone == x']}\n  \
                    update_config: {parallelism: 1, monitor: 50ms}";

const ANYWHERE: &str = "deploy:\n  mode: global\n  update_config: {parallelism: 1, monitor: 50ms}";

fn global(image: &str, service: &str) -> &'static str {
    format!("image: {image}\n{service}").leak()
}

/// `global.go`: nodes that the constraints do not allow have no slot.
#[test]
fn a_global_service_has_no_slot_on_nodes_that_it_is_not_allowed_on() {
    let course = Case::new(IN_X, ZONES).plan();
    assert_eq!(states(&course), GOOD);
    assert_eq!(course["touched_slots"], json!([1, 2]));
    assert_eq!(course["capacity"]["desired"], 2);
    assert_eq!(course["capacity"]["lowest_serving"], 1);
}

/// The task of a node that is no longer allowed is stopped at once, outside of the update, and one that
/// is allowed since gets its task at once.
#[test]
fn constraints_of_a_global_service_act_before_its_update() {
    let change = |service, from| Case { service, from, behaviour: ZONES }.plan();
    let fewer = change(global("v:2", IN_X), global("v:1", ANYWHERE));
    assert_eq!((states(&fewer), touched(&fewer)), (GOOD.to_vec(), 2));
    let stops = |course: &serde_json::Value, slot: usize| {
        course["slots"][slot]["spans"][0]["to_s"].as_f64().unwrap()
    };
    assert!(stops(&fewer, 2) < 0.1, "{fewer:#}");

    // With the same image, no task has to be replaced.
    let only = change(global("v:1", IN_X), global("v:1", ANYWHERE));
    assert_eq!((states(&only), touched(&only)), (Vec::new(), 0));
    assert!(stops(&only, 2) < 0.1, "{only:#}");

    let more = change(global("v:2", ANYWHERE), global("v:1", IN_X));
    assert_eq!((states(&more), touched(&more)), (GOOD.to_vec(), 3));
    let third = more["slots"][2]["spans"].as_array().unwrap();
    assert!(third.last().unwrap()["from_s"].as_f64().unwrap() < 1.5, "{more:#}");
}
