#!/bin/sh
# A new machine joins the fleet: role, facts, certificate, first Puppet run, in this order. The first
# step that fails ends it, and says why; given again it goes on there, since what is done is left
# alone. Each line works alone, too, and for many nodes at once.
#
#   onboard.sh NODE COLLECTION CATEGORY ROLE [ENTITY,...]
#
# The node runs mcollectived with the agents rpcutil, deploop and puppet, and its Puppet agent has
# asked for a certificate. CSR_PATH: where that request is on the node, if it is not Puppet's usual
# place; WAIT: how long to wait for it.
set -eu

if [ $# -lt 4 ]; then
	sed -n 's/^#   //p' "$0" >&2
	exit 64
fi
node=$1 collection=$2 category=$3 role=$4 entities=${5:-}

deployctl assign-role "$node" --collection "$collection" --category "$category" --role "$role" \
	${entities:+--entity "$entities"} --yes
deployctl push-facts "$node" --yes
# The node itself says, over the bus, that the request at the CA is its own.
deployctl sign-cert "$node" --verify-node ${CSR_PATH:+--csr-path "$CSR_PATH"} --wait "${WAIT:-2m}" --yes
deployctl puppet run "$node" --yes
deployctl status "$node"
