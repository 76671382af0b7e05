# Sourced by the parts of tools/deploy, and by what they run in containers of their own.
# shellcheck shell=bash
set -euo pipefail

# Temporary folder of the whole run, made by tools/deploy; in it base.tar and adit.deb, once they are there.
: "${ADIT_DEPLOY_FOLDER:=}"

step() { printf -- '-- %s\n' "$*"; }
fail() {
    echo "deploy: $*" >&2
    exit 1
}
# expect WHAT COMMAND...: fails with WHAT unless the command succeeds.
expect() {
    local what=$1
    shift
    "$@" || fail "expected that $what"
}
equal() {
    [[ $2 == "$3" ]] || fail "$1 is \"$2\", expected \"$3\""
}
# await SECONDS COMMAND...: until it succeeds.
await() {
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < until)) || return 1
        sleep 0.3
    done
}
# A field of a JSON object that we wrote ourselves: text without quotes in it, or a number.
field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\)\"\{0,1\}.*/\1/p" "$2" | head -n 1; }
# Of podman and buildah, one for each line: a storage of our own, on any file system.
storage_options() {
    printf '%s\n' --root "$ADIT_DEPLOY_FOLDER/storage" --runroot "$ADIT_DEPLOY_FOLDER/runroot" --storage-driver vfs
}
hex32() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
http_status() { curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$@" || true; }
answers() { [[ $(http_status "$2") == "$1" ]]; }

# shop_config: a config.toml on standard output, of these variables: listen, public_host (of https, if it has no port),
# relay, mint, endpoint_host, server_pubkey, secrets, p2pk, and lines for [server] and [wireguard] in server_more and
# wireguard_more.
shop_config() {
    local scheme=https
    [[ $public_host != *:* ]] || scheme=http
    cat <<EOF
[server]
host = "${listen:-0.0.0.0}"
port = 8080
public_host = "$public_host"
${server_more:-}
[db]
path = "/var/lib/adit/adit.db"
[wireguard]
interface = "wg0"
endpoint_host = "$endpoint_host"
endpoint_port = 51820
subnet_cidr = "10.66.42.0/24"
dns = ["10.66.42.1"]
${wireguard_more:-}
[cashu]
enabled = true
p2pk_privkey_file = "$secrets/p2pk"
[nostr]
relays = ["$relay"]
nsec_file = "$secrets/nsec"
[listing]
d_tag = "deploy-1"
title = "An exit for a test"
summary = "WireGuard, no logs."
protocols = ["wireguard"]
policies = ["no-logs"]
[listing.region]
country = "CH"
[[listing.prices]]
amount = 21
currency = "sat"
unit = "hour"
[[listing.payment_methods]]
type = "cashu"
mint = "$mint"
p2pk = "${p2pk:-0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798}"
endpoint = "$scheme://$public_host/purchase"
EOF
}
# p2pk_told ADITD...: the key that `aditd --check` says belongs in the listing.
p2pk_told() { { "$@" --check 2>&1 || true; } | sed -n 's/.*payment_methods.p2pk: .*expected \(0[23][0-9a-f]\{64\}\).*/\1/p' | head -n 1; }
