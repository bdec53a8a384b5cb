# After a kill and resume: was each step done on each node as often as it may be? Files, as far as the
# phase goes: log1 ledger1 (the run that was killed), log2 ledger2 out2 (resumed), log3 ledger3 (resumed
# with --retry-unknown). Prints what is wrong, and fails if anything is; in phase 1 it prints the status
# that resume has to end with. unsafe: the steps that may not be done twice.

function complain(text) {
	print text
	bad = 1
}

BEGIN {
	split("one two three four five", order, " ")
	step["ping"] = "one"
	step["echo"] = "two"
	step["get_fact"] = "three"
	step["get_facts"] = "four"
	step["inventory"] = "five"
	nodes = 40
}

FNR == 1 {
	n = substr(FILENAME, length(FILENAME)) + 0
}
FILENAME ~ /^log/ {
	if ($3 in step && !/^[>=!@]/)
		did[n, step[$3], $1]++
	next
}
FILENAME ~ /^out/ {
	if (/"left": \[/)
		in_left = !/\]/
	else if (/\]/)
		in_left = 0
	else if (in_left && match($0, /"[^"]*"/))
		left[substr($0, RSTART + 1, RLENGTH - 2)] = 1
	next
}
$2 == "run" {
	life[n] = $3 " " $4 " " $5
	runs[n]++
}
$2 == "outcome" {
	sub(/#.*/, "", $5)
	outcome[n, $5, $3] = $4
}

# True if the killed run was to ask, and nothing more is known.
function is_open(s, v) {
	return outcome[1, s, v] == "asked" || outcome[1, s, v] == "unknown"
}

function is_safe(s) {
	return index(" " unsafe " ", " " s " ") == 0
}

function weigh_first(s, v) {
	if (did[1, s, v] && !((1, s, v) in outcome))
		complain(v " did " s ", which is not recorded")
	if (outcome[1, s, v] == "ok" && !did[1, s, v])
		complain(s " is ok on " v ", which did nothing")
	if (is_open(s, v) && !is_safe(s))
		waits = 1
}

# How often at most: n7 fails once in each process, which is no doing twice.
function most(s, v, once) {
	return once + (v == "n7" ? phase : 0)
}

function weigh_again(s, v,   times) {
	times = did[1, s, v] + did[2, s, v] + did[3, s, v]
	if (outcome[1, s, v] == "ok" && (did[2, s, v] || did[3, s, v]))
		complain(v " did " s " again, although it was known to be done")
	if (is_open(s, v) && !is_safe(s) && did[2, s, v])
		complain(v " did " s " again, which may do harm")
	if (is_open(s, v) && !is_safe(s) && !(v in left) && phase == 2)
		complain(s " on " v " is not known, which is not told")
	if (times > most(s, v, is_open(s, v) ? 2 : 1))
		complain(v " did " s " " times " times")
	if (!waits || phase == 3) {
		if (outcome[phase, s, v] != "ok" || !times)
			complain(s " on " v " is " outcome[phase, s, v] ", done " times + 0 " times")
	} else if (did[2, s, v] && stop && is_later(s, stop))
		complain(v " did " s ", which comes after " stop)
}

function is_later(s, than,   i, seen) {
	for (i = 1; i <= 5; i++) {
		if (order[i] == s)
			return seen
		seen = seen || order[i] == than
	}
}

END {
	for (i = 1; i <= 5; i++)
		for (k = 1; k <= nodes; k++)
			weigh_first(order[i], "n" k)
	for (i = 5; i >= 1; i--)
		for (k = 1; k <= nodes; k++)
			if (is_open(order[i], "n" k) && !is_safe(order[i]))
				stop = order[i]
	for (i = 1; phase > 1 && i <= 5; i++)
		for (k = 1; k <= nodes; k++)
			weigh_again(order[i], "n" k)
	if (phase > 1 && (runs[phase] != 1 || life[phase] !~ /^run-plan ended/))
		complain(runs[phase] + 0 " runs, the last " life[phase])
	if (phase == 1 && !bad)
		print waits ? 4 : 0
	exit bad
}
