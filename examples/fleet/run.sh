#!/usr/bin/env bash
# A fleet on one machine: three members of etcd, PostgreSQL, three gateways with two workers each.
#
#   examples/fleet/run.sh           starts all of it, shows what a change does, and runs until Ctrl-C
#   examples/fleet/run.sh --once    the same, and stops
#
# Needs etcd and PostgreSQL (apt-get install etcd-server postgresql). Everything is in one temporary folder, which goes with it.
# PORTS (default 18000) is the first of the ports: gateways PORTS+1…3, admin APIs +11…13, etcd +21…23 and +31…33, PostgreSQL +40.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ports=${PORTS:-18000}
sekisho=$root/bin/sekisho
folder=$(mktemp -d "${TMPDIR:-/tmp}/sekisho-fleet.XXXXXX")
pids=()

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
# Prints a command as it could be typed, and runs it.
run() {
  local text='$' word
  for word in "$@"; do
    word=${word/#"$sekisho"/sekisho}
    word=${word/"$root/"/}
    case $word in *[[:space:]]*) word="'$word'" ;; esac
    text+=" $word"
  done
  printf '%s\n' "$text"
  "$@"
}
fail() { echo "run.sh: $*" >&2; exit 1; }

# end PID: gives it 20 seconds; a member of etcd without a quorum may need longer than anybody wants to wait.
end() {
  local tries=200
  kill -TERM "$1" 2>/dev/null || return 0
  while kill -0 "$1" 2>/dev/null && [ "$tries" -gt 0 ]; do
    tries=$((tries - 1))
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

stop() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  # Gateways first, so that each leaves the fleet in good order; then what they stand on.
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do end "${pids[i]}"; done
  if [ "$status" -ne 0 ] && [ "$status" -ne 130 ]; then tail -n 5 "$folder"/*.log >&2 || true; fi
  rm -rf "$folder"
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT TERM

# until_true SECONDS WHAT COMMAND…: waits for a condition, not for a time.
until_true() {
  local tries=$(($1 * 10)) what=$2
  shift 2
  while ! "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "$what: not within its time"
    sleep 0.1
  done
}

postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$postgres_bin" ] || postgres_bin=$(dirname "$(command -v postgres || fail 'PostgreSQL is missing: apt-get install postgresql')")
command -v etcd >/dev/null || fail 'etcd is missing: apt-get install etcd-server'

# PostgreSQL refuses to run as root. A background job of the shell itself, so that its pid is the server's.
as_postgres=()
if [ "$(id -u)" = 0 ]; then as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups); fi

say 'etcd: three members'
cluster=
for n in 1 2 3; do cluster+=${cluster:+,}etcd-$n=http://127.0.0.1:$((ports + 30 + n)); done
for n in 1 2 3; do
  client=http://127.0.0.1:$((ports + 20 + n))
  peer=http://127.0.0.1:$((ports + 30 + n))
  etcd --name "etcd-$n" --data-dir "$folder/etcd-$n" --log-level error \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
    --initial-cluster "$cluster" --initial-cluster-token "fleet-$ports" >"$folder/etcd-$n.log" 2>&1 &
  pids+=($!)
  export "ETCD_$n=$client"
done
etcd_answers() { curl -fsS --max-time 2 -X POST "$ETCD_1/v3/kv/range" -d '{"key":"eA=="}'; }
until_true 30 'etcd answers' etcd_answers

say 'PostgreSQL'
mkdir "$folder/postgres"
if [ ${#as_postgres[@]} -gt 0 ]; then
  chmod 755 "$folder"
  chown postgres "$folder/postgres"
fi
(cd "$folder/postgres" && "${as_postgres[@]}" "$postgres_bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C >/dev/null)
(cd "$folder/postgres" && exec "${as_postgres[@]}" "$postgres_bin/postgres" -D data -h 127.0.0.1 -p $((ports + 40)) \
  -c "unix_socket_directories=$folder/postgres" >"$folder/postgres.log" 2>&1) &
pids+=($!)
export DATABASE_URL=postgres://postgres@127.0.0.1:$((ports + 40))/postgres
until_true 30 'PostgreSQL answers' "$postgres_bin/pg_isready" -h 127.0.0.1 -p $((ports + 40)) -U postgres

say 'gateways: three nodes with two workers each'
export KEY_FILE=$folder/fleet.key
(umask 077 && head -c 32 /dev/urandom | base64 >"$KEY_FILE")
api_key=$(head -c 16 /dev/urandom | base64 | tr -d '=+/')
API_KEY_SHA256=$(printf %s "$api_key" | sha256sum | cut -d ' ' -f 1)
ADMIN_KEY=$(head -c 16 /dev/urandom | base64 | tr -d '=+/')
export API_KEY_SHA256 ADMIN_KEY SEKISHO_ADMIN_KEY=$ADMIN_KEY
for n in 1 2 3; do
  mkdir "$folder/node-$n"
  NODE=node-$n STATE_DIR=$folder/node-$n PROXY_PORT=$((ports + n)) ADMIN_PORT=$((ports + 10 + n)) \
    "$sekisho" start -c "$root/examples/fleet/sekisho.yaml" >"$folder/node-$n.log" 2>&1 &
  pids+=($!)
done
is_ready() { curl -fsS --max-time 2 -H "X-DGate-Key: $ADMIN_KEY" "http://127.0.0.1:$((ports + 10 + $1))/readyz"; }
for n in 1 2 3; do until_true 120 "node-$n is ready" is_ready "$n"; done
export SEKISHO_ADMIN_API=http://127.0.0.1:$((ports + 11))
healthy() { "$sekisho" cluster status; }
three_nodes() { [ "$("$sekisho" cluster nodes -o json | grep -c '"id"')" = 3 ]; }
until_true 30 'the nodes know one another' three_nodes
until_true 30 'nothing is wrong' healthy

run "$sekisho" cluster nodes
run "$sekisho" cluster members

say 'A change on node-1 is served by all three when it is answered (--wait)'
run "$sekisho" module create name=hello payload@="$root/examples/fleet/hello.ts" >"$folder/answer"
head -n 1 "$folder/answer"
run "$sekisho" route create name=hello paths=/hello methods=GET modules=hello --wait
for n in 1 2 3; do run curl -sS "http://127.0.0.1:$((ports + n))/hello"; done

say 'A store that is created on node-2 is read on node-3: one database'
key="X-API-Key: $api_key"
run curl -sS -H "$key" "http://127.0.0.1:$((ports + 2))/petstore/v1/stores" -d '{"id": "6f1b1b3e-0000-4000-8000-000000000001", "name": "Happy Paws", "city": "Kyoto"}' && echo
run curl -sS -H "$key" "http://127.0.0.1:$((ports + 3))/petstore/v1/stores?_fields=name" && echo

say 'node-3 is killed and started again: the others serve on, and it comes back with the state'
kill -KILL "${pids[6]}"
wait "${pids[6]}" 2>/dev/null || true
run "$sekisho" route create name=hello paths=/hello,/hi methods=GET modules=hello
NODE=node-3 STATE_DIR=$folder/node-3 PROXY_PORT=$((ports + 3)) ADMIN_PORT=$((ports + 13)) \
  "$sekisho" start -c "$root/examples/fleet/sekisho.yaml" >>"$folder/node-3.log" 2>&1 &
pids[6]=$!
until_true 120 'node-3 is ready' is_ready 3
until_true 10 'node-3 serves what it missed' curl -fsS --max-time 2 "http://127.0.0.1:$((ports + 3))/hi"
until_true 30 'the nodes know one another' three_nodes
until_true 30 'nothing is wrong' healthy
run "$sekisho" cluster nodes

if [ "${1:-}" = --once ]; then
  say 'done; everything stops'
  exit 0
fi
say "It runs: SEKISHO_ADMIN_API=$SEKISHO_ADMIN_API sekisho cluster status. Ctrl-C stops it."
while sleep 3600; do :; done
