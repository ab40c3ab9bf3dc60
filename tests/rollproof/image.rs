//! Images built without an engine.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::process::Command;

use rollproof::image::{
    BuiltImage, ImageArchive, LibrarySearch, Programs, SharedObjects, example_images,
    find_app_binary,
};

/// Unpacks the only layer of an image, as an engine does.
fn unpack(image: &BuiltImage, into: &Path) {
    let mut archive = tar::Archive::new(image.archive.as_ref());
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        if entry.path().unwrap().ends_with("layer.tar") {
            tar::Archive::new(entry).unpack(into).unwrap();
        }
    }
}

/// Runs a program with the unpacked image as its root file system.
fn run_in(root: &Path, command: &[&str]) -> std::process::Output {
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "chroot"]).arg(root).args(command).env_clear();
    unshare.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    unshare.output().unwrap()
}

#[test]
fn a_packed_program_runs_with_nothing_but_its_image() {
    let program = Path::new(env!("CARGO_BIN_EXE_rollproof"));
    let objects =
        SharedObjects::of(program, "/opt/bin/rollproof", &LibrarySearch::of_host()).unwrap();
    let mut image = ImageArchive::default();
    objects.pack(&mut image.files).unwrap();
    let root = tempfile::tempdir().unwrap();
    unpack(&image.build("rollproof/test:packed").unwrap(), root.path());
    let output = run_in(root.path(), &["/opt/bin/rollproof", "--version"]);
    assert!(output.status.success(), "{output:?}");

    // Without one of its libraries it fails, so nothing came from outside the image.
    let library = objects.found.last().unwrap();
    std::fs::remove_file(root.path().join(library.image.strip_prefix("/").unwrap())).unwrap();
    let output = run_in(root.path(), &["/opt/bin/rollproof", "--version"]);
    assert!(!output.status.success(), "{output:?}");
}

#[test]
fn the_example_images_are_reproducible_and_their_programs_run() {
    let state = tempfile::tempdir().unwrap();
    let programs = Programs::new(state.path());
    let binary = find_app_binary(None).unwrap();
    let images = example_images(&programs, &binary).unwrap();
    assert_eq!(images, example_images(&programs, &binary).unwrap());
    let names: Vec<_> = images.iter().map(|image| image.reference.as_str()).collect();
    assert_eq!(names, ["rollproof/app:v1", "rollproof/app:v2", "rollproof/caddy:2"]);
    assert_ne!(images[0].id, images[1].id);

    let root = tempfile::tempdir().unwrap();
    unpack(&images[1], root.path());
    assert!(run_in(root.path(), &["/rollproof-app", "--version"]).status.success());
    assert!(run_in(root.path(), &["/bin/sh", "-c", "wget --help"]).status.success());
    let root = tempfile::tempdir().unwrap();
    unpack(&images[2], root.path());
    assert!(run_in(root.path(), &["/usr/bin/caddy", "version"]).status.success());
}
