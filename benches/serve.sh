# Sourced by the other scripts: builds rollproof and the benchmark server, starts the server, and sets
# $url, $probe and $scratch, a folder that is removed at the end.

server=$(cargo build --quiet --release --bin rollproof --bench server --message-format=json |
  sed -n '/"kind":\["bench"\]/s/.*"executable":"\([^"]*\)".*/\1/p')
probe=${CARGO_TARGET_DIR:-target}/release/rollproof

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The server runs as long as its standard input is open.
coproc SERVER { exec "$server"; }
read -r url <&"${SERVER[0]}"
