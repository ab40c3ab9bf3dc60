# Sourced by the other scripts: builds rollproof and the benchmark server, starts the server, and sets
# $url, $secure (its https URL), $probe and $scratch, a folder that is removed at the end. $SERVER_BIN and
# $PROBE_BIN are used instead of building, if they are set.

server=${SERVER_BIN:-$(cargo build --quiet --release --bin rollproof --bench server --message-format=json |
  sed -n '/"kind":\["bench"\]/s/.*"executable":"\([^"]*\)".*/\1/p')}
probe=${PROBE_BIN:-${CARGO_TARGET_DIR:-target}/release/rollproof}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The server runs as long as its standard input is open.
coproc SERVER { exec "$server" "$scratch/certificate.pem"; }
read -r url secure <&"${SERVER[0]}"
