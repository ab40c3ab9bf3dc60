//! Images that the docker CLI's engine has are copied into a private one; what is nowhere is named
//! at once.

use super::shared_engine::shared_engine;
use super::workplace::{Ended, Workplace, docker, finish};

/// Its image is one of the app's under another name: nobody can pull it.
const STACK: &str = "services:\n  app:\n    image: IMAGE\n    networks: [NETWORK]\n    \
     deploy: {endpoint_mode: dnsrr}\nnetworks: {inner: {}, outer: {external: true, name: outer}}\n";

fn stack(image: &str, network: &str) -> String {
    STACK.replace("IMAGE", image).replace("NETWORK", network)
}

#[test]
fn a_private_engine_gets_the_images_of_the_users_engine() {
    const COPIED: &str = "local.example/copied:1";
    let host = &shared_engine().docker_host;
    docker(host, &["tag", "rollproof/app:v1", COPIED]).expect(0);
    let place = Workplace::small();
    let run = |args: &[&str], docker_host: &str| -> Ended {
        finish(place.command(args).env("DOCKER_HOST", docker_host))
    };

    // The versions before and after lack an image and a network each: all is named before anything
    // is deployed.
    let before = place.file("before.yml", &stack("local.example/none:1", "inner"));
    let after = place.file("after.yml", &stack("local.example/none:2", "outer"));
    let args = ["verify", "--engine", "lab", "--keep", "-c", &before, "--to", &after];
    let args = [&args[..], &["--url", "http://127.0.0.1:1/", "copies"]].concat();
    let lacks = run(&args, host).expect(2).err;
    for part in ["network outer", "local.example/none:1 and local.example/none:2", "before.yml:2:3"]
    {
        assert!(lacks.contains(part), "`{part}` is missing in:\n{lacks}");
    }
    assert!(!lacks.contains("Creating"), "{lacks}");

    let file = place.file("stack.yml", &stack(COPIED, "inner"));
    let args = ["deploy", "--engine", "lab", "-c", &file, "copies"];
    // An engine that does not answer has no images; the reason is told.
    let nowhere = run(&args, "unix:///nonexistent/docker.sock").expect(4).err;
    assert!(nowhere.contains("no image is copied"), "{nowhere}");
    assert!(nowhere.contains("neither has nor can pull image"), "{nowhere}");

    let told = run(&args, host).expect(0).err;
    assert!(told.contains(&format!("copying image {COPIED} from the engine at {host}")), "{told}");
    let lab = place.docker_host();
    let inspect = ["image", "inspect", "--format", "{{.Id}} {{json .Config}}", COPIED];
    assert_eq!(docker(&lab, &inspect).expect(0).out, docker(host, &inspect).expect(0).out);

    // It is there now.
    let again = run(&args, host).expect(0).err;
    assert!(!again.contains("copying"), "{again}");
    docker(host, &["rmi", COPIED]).expect(0);
}
