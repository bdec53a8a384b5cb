# After a kill and the same command again: is what the state file says true? Files, in this order:
#   wanted                     lines "NODE FACTS": what nodes are to have in the end
#   facts1 log1 out1 ledger1   after the kill: what nodes have, what they did, what was shown (as
#                              jsonl), what is recorded
#   facts2 log2 out2 ledger2   after the second run
# kind: the command; nodes: how many it is about; before: runs that were there already; is_stale: nodes
# show their facts late. Prints what is wrong, and fails if anything is.

function complain(text) {
	print text
	bad = 1
}

# Nothing was done to a node, or shown, that is not recorded; none is ok that was not asked or lacks its
# facts.
function weigh(n, run,   key, part) {
	for (key in asked) {
		split(key, part, SUBSEP)
		if (part[1] == n && !((n, run, part[2]) in outcome))
			complain(part[2] " was asked, which is not recorded: run " n)
	}
	for (key in deeds) {
		split(key, part, SUBSEP)
		if (part[1] == n && deeds[key] > steps[n, run, part[2], part[3]])
			complain(part[2] " was told to " part[3] ", which is not recorded: run " n)
	}
	for (key in shown) {
		split(key, part, SUBSEP)
		if (part[1] == n && outcome[n, run, part[2]] != shown[key])
			complain(part[2] " was shown as " shown[key] ", which is not recorded: run " n)
	}
	for (key in outcome) {
		split(key, part, SUBSEP)
		if (part[1] != n || part[2] != run || outcome[key] != "ok")
			continue
		if (!asked[n, part[3]])
			complain(part[3] " is ok, unasked: run " n)
		if (facts[n, part[3]] != wanted[part[3]])
			complain(part[3] " is ok without its facts: run " n)
	}
}

# The run that was killed, if it was begun, is the same whoever looks: a reader, or the next writer.
function compare_first(   key, part) {
	if (life[1, killed] != kind " interrupted -1" && life[1, killed] != kind " ended 0")
		complain("the run that was killed is: " life[1, killed])
	if (life[2, killed] != life[1, killed])
		complain("the run that was " life[1, killed] " is now " life[2, killed])
	for (key in outcome) {
		split(key, part, SUBSEP)
		if (part[2] == killed && outcome[1, killed, part[3]] != outcome[2, killed, part[3]])
			complain("the second run changed what the first has recorded of " part[3])
	}
}

# Recorded and shown.
function count_ok(   key, part, count) {
	for (key in outcome) {
		split(key, part, SUBSEP)
		count += part[1] == 2 && part[2] == last[2] && outcome[key] == "ok" && (2, part[3]) in shown
	}
	return count + 0
}

FNR == 1 {
	n = substr(FILENAME, length(FILENAME)) + 0
}
FILENAME == "wanted" {
	wanted[$1] = $0
	next
}
FILENAME ~ /^facts/ {
	facts[n, $1] = $0
	next
}
FILENAME ~ /^log/ {
	if (/^[>=!]/ || $2 == "discovery")
		next
	asked[n, $1]++
	if ($2 == "deploop")
		deeds[n, $1, $3]++
	next
}
FILENAME ~ /^out/ {
	if (/"type":"outcome"/ && match($0, /"node":"[^"]*"/)) {
		node = substr($0, RSTART + 8, RLENGTH - 9)
		match($0, /"state":"[^"]*"/)
		shown[n, node] = substr($0, RSTART + 9, RLENGTH - 10)
	}
	next
}
$2 == "run" {
	last[n] = $1
	life[n, $1] = $3 " " $4 " " $5
}
$2 == "outcome" {
	outcome[n, $1, $3] = $4
}
$2 == "step" {
	steps[n, $1, $3, $4]++
}
$2 == "assigned" && $4 $5 != "--" && facts[n, $3] != wanted[$3] {
	complain($3 " is marked as having " $6 ": run " n)
}
# The environment cannot be read back.
$2 == "assigned" && n == 2 && $4 $5 != ($6 == "puppet/environment" ? "pushed-" : "pushedverified") {
	complain($3 " is not marked as having " $6)
}

END {
	killed = before + 1
	weigh(1, killed)
	weigh(2, last[2])
	if (life[2, last[2]] != kind " ended 0")
		complain("the second run is: " life[2, last[2]])
	if (count_ok() != nodes)
		complain("the second run has " count_ok() " nodes ok, not " nodes)
	if (last[2] != last[1] + 1)
		complain("after " last[1] + 0 " runs there are " last[2])
	if (last[1] == killed)
		compare_first()
	for (node in wanted) {
		if (facts[2, node] != wanted[node])
			complain("in the end " facts[2, node])
		if (!is_stale && facts[1, node] == wanted[node] && deeds[2, node, "create_fact"] deeds[2, node, "remove_fact"])
			complain(node " had all its facts, and was given some again")
	}
	exit bad
}
