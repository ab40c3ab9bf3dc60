#!/bin/sh
# Makes the database on the first start, then runs PostgreSQL as process 1. The variables are those
# of the official image: POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB, POSTGRES_HOST_AUTH_METHOD.
set -eu

user=${POSTGRES_USER:-postgres}
name=${POSTGRES_DB:-$user}
method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
        echo "set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust" >&2
        exit 1
    fi
    # Under another name first: a start that is interrupted here leaves nothing half made.
    new=$PGDATA.new
    rm -rf "$new" "$new.password"
    (umask 077 && echo "${POSTGRES_PASSWORD:-unused}" >"$new.password")
    initdb --pgdata "$new" --username "$user" --pwfile "$new.password" --encoding UTF8 --locale C \
        --auth-local trust --auth-host "$method" --no-sync --no-instructions
    rm -f "$new.password"
    echo "host all all all $method" >>"$new/pg_hba.conf"
    if [ "$name" != postgres ]; then
        echo "CREATE DATABASE \"$name\"" | postgres --single -D "$new" postgres >/dev/null
    fi
    mv "$new" "$PGDATA"
fi

exec postgres -D "$PGDATA" -c listen_addresses='*' "$@"
