use super::*;

fn read(args: &[&str], variables: &[(&str, &str)]) -> Result<Command, String> {
    let args = std::iter::once("rollproof-app").chain(args.iter().copied());
    Command::read(args.map(OsString::from), |name| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
    .map_err(|refused| refused.message)
}

fn serve(args: &[&str], variables: &[(&str, &str)]) -> Serve {
    match read(args, variables) {
        Ok(Command::Serve(serve)) => *serve,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_line_precedes_the_environment_and_the_default() {
    assert_eq!(serve(&[], &[]).address.to_string(), "0.0.0.0:8000");
    assert_eq!(serve(&[], &[("ROLLPROOF_PORT", "81")]).address.port(), 81);
    assert_eq!(serve(&["--port=82"], &[("ROLLPROOF_PORT", "81")]).address.port(), 82);
    assert_eq!(serve(&["--listen", "::1"], &[]).address.to_string(), "[::1]:8000");
    assert_eq!(serve(&["--stop-timeout", "1s"], &[]).stop_timeout, Duration::from_secs(1));
}

#[test]
fn the_health_probe_uses_the_port_of_the_server() {
    let Ok(Command::Health(target)) = read(&["health"], &[("ROLLPROOF_PORT", "81")]) else {
        panic!("expected a probe")
    };
    assert_eq!(target.url, "http://127.0.0.1:81/health");
    assert_eq!(target.timeout, Duration::from_secs(2));
}

#[test]
fn invalid_arguments_are_named() {
    for (args, expected) in [
        (&["--port", "99999"][..], "--port 99999: expected a port number"),
        (&["server"], "unexpected argument \"server\", see --help"),
        (&["health", "http://a/", "b"], "unexpected argument \"b\", see --help"),
        (&["--colour"], "invalid option '--colour'"),
    ] {
        assert_eq!(read(args, &[]).unwrap_err(), expected);
    }
    assert_eq!(
        read(&[], &[("ROLLPROOF_LISTEN", "here")]).unwrap_err(),
        "ROLLPROOF_LISTEN here: expected an IP address"
    );
}
