#!/usr/bin/ruby
# Ask MCollective's own Security::Base#validate_filter? about hand-picked and random pairs of a filter
# and a node, and print what it answers.
# usage: ruby test/data/make_traits.rb > test/data/traits_ruby.txt
# Each line is a JSON array: the filter as typed, the node's identity, facts, classes and agents as
# rpcutil's inventory would tell them, and true, false or the class of the exception that was raised
# (the node then drops the request). After "# combined" the filters have several terms.
require "mcollective"
require "json"
require "tempfile"
include MCollective

# Facts that are handed in, then normalised by MCollective itself.
class MCollective::Facts::Given_facts < MCollective::Facts::Base
  class << self
    attr_accessor :given
  end

  def load_facts_from_source
    # Without any fact the base class would go back to the last good ones.
    self.class.given.merge("made_by" => "us")
  end

  def force_reload?
    true
  end
end

# The security plugin's base, without a broker behind it.
class Judge < MCollective::Security::Base
  def initialize
    @stats = Struct.new(:passed, :filtered).new
  end
end

class Silent
  def start; end

  def log(*); end
end
Log.configure(Silent.new)
$VERBOSE = nil # "Float 1e999 out of range"

CLASSES_FILE = Tempfile.new("classes")
Config.instance.instance_variable_set(:@classesfile, CLASSES_FILE.path)
JUDGE = Judge.new
FACTS = PluginManager["facts_plugin"]

def set_node(node)
  Facts::Given_facts.given = node[:facts] || {}
  File.write(CLASSES_FILE.path, (node[:classes] || []).map { |name| "#{name}\n" }.join)
  Config.instance.instance_variable_set(:@identity, node[:identity] || "web1")
  Agents.class_variable_set(:@@agents, (node[:agents] || ["discovery"]).to_h { |name| [name, {}] })
end

def filter_of(typed)
  filter = Util.empty_filter
  typed.each do |flag, text|
    case flag
    when "-F" then filter["fact"] << Util.parse_fact_string(text)
    when "-C" then filter["cf_class"] << text
    when "-A" then filter["agent"] << text
    when "-I" then filter["identity"] << text
    when "-S" then filter["compound"] << Matcher.create_compound_callstack(text.dup)
    end
  end
  filter["identity"] = joined(filter["identity"].uniq)
  filter
end

# A node rejects what two entries match, so deployctl sends all of them as one expression.
def joined(identities)
  return identities if identities.size < 2 || identities.none? { |text| text.start_with?("/") }
  parts = identities.map do |text|
    text.start_with?("/") ? "(?:#{text[1..-2]})" : "\\A#{Regexp.escape(text)}\\z"
  end
  ["/#{parts.join("|")}/"]
end

def ask(typed, node)
  set_node(node)
  answer = begin
    JUDGE.validate_filter?(filter_of(typed))
  rescue StandardError => e
    e.class.to_s
  end
  classes = File.readlines(CLASSES_FILE.path).map(&:chomp)
  puts JSON.generate([typed, Config.instance.identity, FACTS.get_facts, classes, Agents.agentlist, answer])
end

def ask_fact(fact, operator, value)
  ask([["-F", "f#{operator}#{value}"]], :facts => {"f" => fact})
end

RANDOM = Random.new(2125)
ORDERS = %w[< <= > >= !=].freeze
OPERATORS = (ORDERS + %w[== =~]).freeze
NUMBERS = %w[0 1 2 5 9 10 12 99 100 101 007 010 08 0 00 -5 -10 +5 0.5 1.5 1.50 01.5 2.0 9.5 9.50 10.0 12.10 100.0
  1e3 1E3 1000 0e5 1e999 2e999 0x10 0X1f 00x1 16 1_5 15 0_15 1-5 1,5 1é5 1.2.3 5.10.0 5.9 .5 5. 1kB 16.00 12a
  18446744073709551615 18446744073709551616 99999999999999999999999 0777777777777777777777 9007199254740993 9007199254740992
  0.1 0.10000000000000001 0777777777777777777777777 0777777777777777777777776].freeze
TEXTS = ["de", "uk", "DE", "Debian", "debian", "a", "b", "", "a b", "/x/", "x", "ü", "true", "a/b", "a.b", "web1\nweb2"].freeze
LINES = ["5\n", "\n5", "5\n6", "a\n5", " \n5", "9.5\n", "1.5\nx", "\n\n1.5\n\n", "5\r\n", " 5", "5 "].freeze
REGEXES = ["/^de/", "/DE/", "deb", "^Deb", "/.*/", "/a/b/", "/^$/", "/x/", "//x//", "//", "/\\Aweb2/", "^web2$", "/[0-9]{2}/",
  "/^\\d+$/", "(?i)DEB", "/e|k/", "a.b", "/\\//"].freeze

puts "# MCollective #{MCollective::VERSION}, Ruby #{RUBY_VERSION}; made by test/data/make_traits.rb"

# Facts of one text.
(NUMBERS + LINES).each do |fact|
  ORDERS.each { |operator| ask_fact(fact, operator, NUMBERS.sample(:random => RANDOM)) }
end
NUMBERS.each { |value| ask_fact(NUMBERS.sample(:random => RANDOM), "==", value) }
[%w[9 10 100 9.5 1e3 010 08 1x5 0x10 0_15 1é5],
 %w[18446744073709551615 18446744073709551616 01777777777777777777777 02000000000000000000000 99999999999999999999999]].each do |numbers|
  numbers.repeated_permutation(2) { |fact, value| ORDERS.each { |operator| ask_fact(fact, operator, value) } }
end
LINES.product(%w[5 6 9.5 100], ORDERS) { |fact, value, operator| ask_fact(fact, operator, value) }
TEXTS.each { |fact| REGEXES.each { |value| ask_fact(fact, "=~", value) } }
TEXTS.product(TEXTS - ["", "web1\nweb2"]) { |fact, value| ask_fact(fact, (ORDERS + ["=="]).sample(:random => RANDOM), value) }
TEXTS.each { |text| ask_fact(text, "==", text) unless text.empty? || text.include?("\n") }

# Facts that are no texts before MCollective normalises them, and those that are not there.
[nil, true, false, 5, -5, 10.0, 0.1, 1e20, :sym, [], {}].each do |fact|
  OPERATORS.each { |operator| ask_fact(fact, operator, %w[5 true 10.0 sym x -5].sample(:random => RANDOM)) }
end
OPERATORS.each { |operator| ask([["-F", "nosuch#{operator}5"]], :facts => {"f" => "5"}) }
ask([["-F", "F==5"]], :facts => {"f" => "5"})
ask([["-F", "os.family==x"]], :facts => {"os" => {"family" => "x"}})
ask([["-F", "os.family==x"]], :facts => {"os.family" => "x"})

# Lists (any element), hashes (any key), and what is nested in them.
LISTS = [["a", "b"], ["b"], ["5", "10"], [5, nil], ["a", nil], ["08", "5"], ["5", "08"], ["a", ["b"]], [["b"], "b"], ["b", ["b"]],
  [{"b" => "a"}], [{"b" => "a"}, "5"], ["5", {"b" => "a"}], [[]], ["9.5", "x"]].freeze
HASHES = [{"a" => "b"}, {"b" => "a"}, {"5" => "x", "10" => "y"}, {5 => "x"}, {"a" => {"b" => "c"}}, {:b => 1}, {"08" => "x"}].freeze
(LISTS + HASHES).product(OPERATORS, %w[b 5 9.5]) { |fact, operator, value| ask_fact(fact, operator, value) }

# Classes and agents.
NAMES = %w[apache apache2 role::web Apache role/web a\\b aXb common].freeze
NAME_TERMS = %w[apache apache2 pache role::web role/web /apache/ /^apache$/ /^role/ /role\/web/ /a\/b/ /roleweb/ /A/ /x$/ /web|db/
  /.*/ a.* common Common /a\\\\b/].freeze
NAME_TERMS.each do |term|
  [[], ["common"], NAMES, NAMES.sample(3, :random => RANDOM)].each { |names| ask([["-C", term]], :classes => names) }
end
%w[puppet mcollective pup /^pup/ /pet$/ /mcollective/ /mco/ /disc|rpc/ /p\/u/ rpcutil /^rpcutil$/].each do |term|
  [["discovery"], %w[discovery puppet rpcutil], %w[mcollective], %w[puppetca]].each { |names| ask([["-A", term]], :agents => names) }
end

# Identities: alternatives, of which exactly one may match.
IDENTITIES = %w[web1 web2 db1.example.net /^web/ /web1/ /1/ /\.example\.net$/ /w\/e\/b/ /WEB/ /^nobody$/].freeze
(1..3).each do |count|
  IDENTITIES.combination(count).each do |terms|
    %w[web1 db1.example.net lb9].each do |name|
      next if count == 3 && RANDOM.rand(4) != 0
      ask(terms.map { |term| ["-I", term] }, :identity => name)
    end
  end
end
ask([["-I", "/web/"], ["-I", "/web/"]], :identity => "web1")

puts "# combined"
TERMS = [["-F", "f==de"], ["-F", "f=~/^d/"], ["-F", "n>=10"], ["-F", "n<9"], ["-F", "tags==b"], ["-F", "none!=x"], ["-C", "apache"],
  ["-C", "/^role/"], ["-A", "puppet"], ["-A", "mcollective"], ["-A", "/rpc/"], ["-I", "web1"], ["-I", "/db/"], ["-I", "/1/"]].freeze
300.times do
  ask(TERMS.sample(RANDOM.rand(0..4), :random => RANDOM),
      :identity => %w[web1 db1 web2].sample(:random => RANDOM),
      :facts => {"f" => %w[de dk uk].sample(:random => RANDOM), "n" => %w[8 10 08 12].sample(:random => RANDOM), "tags" => %w[a b]},
      :classes => [%w[apache role::web], %w[apache], %w[role::db]].sample(:random => RANDOM),
      :agents => [%w[discovery puppet rpcutil], %w[discovery rpcutil]].sample(:random => RANDOM))
end

# Compound expressions; a data function that the node lacks makes the whole false.
STATEMENTS = %w[f=de f=uk f=/^d/ n>=10 n<9 n>08 n<=12.5 m=x>y tags=b tags=/^[cd]/ none=x os=name apache /^role/ role::web /a|b/
  nginx].freeze

def expression(depth)
  case RANDOM.rand(depth > 3 ? 2 : 6)
  when 0, 1 then STATEMENTS.sample(:random => RANDOM)
  when 2 then "#{["!", "not ", "!!"].sample(:random => RANDOM)}#{expression(depth + 1)}"
  when 3 then "(#{expression(depth + 1)} )"
  else "#{expression(depth + 1)} #{%w[and or].sample(:random => RANDOM)} #{expression(depth + 1)}"
  end
end

def some_node
  {:facts => {"f" => %w[de dk uk].sample(:random => RANDOM), "n" => %w[8 10 08 12].sample(:random => RANDOM), "m" => "x>y",
              "tags" => %w[a b], "os" => {"name" => "y"}},
   :classes => [%w[apache role::web], %w[apache], %w[role::db], []].sample(:random => RANDOM)}
end
STATEMENTS.each { |text| 3.times { ask([["-S", text]], some_node) } }
500.times { ask([["-S", expression(0)]], some_node) }
["apache or f=de and nginx", "!apache and nginx or f=de", "not apache or f=de", "!(apache or f=de )", "apache and (nginx or f=de)"].each do |text|
  8.times { ask([["-S", text]], some_node) }
end
["nosuch('x').y=1", "not nosuch('x').y=1", "nosuch('x').y=1 or f=/./", "f=/./ or !nosuch().y=/a/", "not (f=zz and nosuch().y=1)"].each do |text|
  ask([["-S", text]], some_node)
end

puts "# combined with compounds"
60.times do
  ask([["-S", expression(2)], ["-S", expression(2)], TERMS.sample(:random => RANDOM)],
      some_node.merge(:identity => "web1", :agents => %w[discovery puppet rpcutil]))
end
