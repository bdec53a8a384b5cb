#!/usr/bin/env bats
# Compound expressions (-S), on a fleet that is a script.
# shellcheck disable=SC2154
load loop_helper

setup() {
	setup_loop
}

# selects EXPECTED EXPRESSION...: discover finds these nodes, separated by blanks
selects() {
	local expected=$1 words=()
	shift
	for expression; do
		words+=(-S "$expression")
	done
	# shellcheck disable=SC2086
	expected=$(names $expected)
	deployctl 0 discover --window-time 25ms -o name "${words[@]}"
	same "$expected" "$output" || { printf 'with: %s\n' "$*" && return 1; }
}

@test "statements, negation, precedence and parentheses choose nodes" {
	selects 'web1 web2 web3 web4 web5' apache
	selects 'db1 web6 web7 web8 web9' '!apache'
	selects 'db1 web1 web2 web3 web4 web5' 'apache or os=Debian'
	selects 'db1' 'cluster=alfa and country=uk'
	selects 'db1 web1 web2 web3 web4 web5' 'apache or nginx and cluster=alfa or postgres'
	selects 'db1' '(apache or nginx or postgres) and cluster=alfa and not country = de'
	selects 'web6 web7 web8 web9' 'not (cluster=alfa)'
	selects 'web6 web7 web8 web9' 'rank > 2 and /^com/'
	selects 'web6 web7 web8 web9' 'rank>=10 or cluster=/^x y/'
}

@test "several expressions are all required, and with other terms" {
	selects 'db1' 'cluster=alfa' 'not apache'
	deployctl 0 discover --window-time 25ms -o name -S 'cluster=alfa' -F country=uk
	same db1 "$output"
	deployctl 1 discover --window-time 25ms --dt 50ms -S apache -I db1
	holds "$stderr" 'no node matches'
}

@test "a named node is asked by discovery if there is an expression, too" {
	deployctl 0 discover --window-time 25ms -o name -S apache -I 'web[1-2],db1'
	same "$(names web1 web2)" "$output"
	same 1 "$(sent mcollective_broadcast)"
}

@test "ping, facts and rpc take it, and only those who match execute" {
	ask_ping 0 -o name -S postgres
	same db1 "$output"
	deployctl 0 facts --window-time 25ms country -S 'not apache'
	holds "$output" 'uk     5'
	ask_rpc 0 rpcutil ping -S 'nginx and not cluster=alfa' -o name
	same "$(names web6 web7 web8 web9)" "$output"
	holds "$(executed)" web6 web9
	[[ $(executed) != *web1* ]]
}

@test "a function is asked of the nodes, and a warning says that it was not checked" {
	deployctl 0 discover --window-time 25ms --dt 100ms -o name -S "fact('country').value=uk and !postgres"
	same "$(names web6 web7 web8 web9)" "$output"
	holds "$stderr" 'function fact:'
}

@test "with its data DDL a function is checked before anything is sent" {
	mkdir -p plugins/mcollective/data
	cat >plugins/mcollective/data/fact_data.ddl <<-'END'
		metadata :name => "fact", :description => "facts", :author => "a", :license => "l",
		         :version => "1", :url => "u", :timeout => 1
		dataquery :description => "a fact" do
		  input :query, :prompt => "p", :description => "d", :type => :string,
		        :validation => /^[a-z]+$/, :maxlength => 10
		  output :exists, :description => "d", :display_as => "d"
		  output :value, :description => "d", :display_as => "d"
		end
	END
	deployctl 0 discover --window-time 25ms --dt 100ms -o name -S "fact('country').value=uk and !postgres"
	same "$(names web6 web7 web8 web9)" "$output"
	same '' "$stderr"
	: >"$DEPLOYCTL_LOOP_LOG"
	deployctl 64 discover -S "fact('country').valeu=uk"
	holds "$stderr" "function fact has no value 'valeu'" "did you mean 'value'?"
	deployctl 64 discover -S "fact('COUNTRY').value=uk"
	holds "$stderr" 'function fact: ' COUNTRY
	deployctl 64 discover -S "fact('abcdefghijklm').value=uk"
	deployctl 64 discover -S "apache and fact().value=uk"
	holds "$stderr" 'function fact: '
	same '' "$(cat "$DEPLOYCTL_LOOP_LOG")"
}

@test "--ddl-dir has data DDLs, too" {
	mkdir -p other/data
	printf 'x = 1\n' >other/data/fact_data.ddl
	deployctl 0 discover --window-time 25ms --dt 100ms --ddl-dir other -S "fact('country').value=uk"
	holds "$stderr" 'other/data/fact_data.ddl:1:1: '
}

@test "with a data DDL that cannot be read a function is sent, and said once" {
	mkdir -p plugins/mcollective/data
	printf 'x = 1\n' >plugins/mcollective/data/fact_data.ddl
	deployctl 0 discover --window-time 25ms --dt 100ms -o name -S "fact('country').value=uk or fact('rank').value=x"
	same "$(names db1 web6 web7 web8 web9)" "$output"
	same "deployctl: warn: function fact: $PWD/plugins/mcollective/data/fact_data.ddl:1:1: \
'x' is not understood here; it is not checked" "$stderr"
}

@test "why a node is among them" {
	deployctl 1 discover --window-time 25ms --dt 100ms -S 'apache or country=de' --why web6
	holds "$output" "-S 'apache or country=de'" "country=de: country is 'uk'" 'web6 does not match'
	deployctl 0 discover --window-time 25ms -S 'not apache' --why web6
	holds "$output" "apache: the node has no class 'apache'" 'yes' 'web6 matches'
}

@test "what mco refuses, and what nodes never do, is wrong usage with its column" {
	refused() { # EXPRESSION PART...
		deployctl 64 discover -S "$1"
		holds "$stderr" 'option -S: column ' "${@:2}"
		same '' "$(cat "$DEPLOYCTL_LOOP_LOG" 2>/dev/null)"
	}
	refused 'apache or (nginx' 'column 11: ( has no )'
	refused 'apache nginx' 'column 8: an operator, and or or, is missing before nginx'
	refused '()' 'column 2: '
	refused ' apache' 'column 1: '
	refused 'apache and country!=de' 'column 12: nodes do not know !=' 'try: not country=de'
	refused 'country=~/^d/' 'try: country=/^d/'
	refused "fact('x')" "try: as in fact('cluster').value=alfa"
	refused 'fact(x).value=1' 'column 1: parameters'
	deployctl 64 discover -S ''
	holds "$stderr" 'option -S: the expression is empty'
}
