#!/usr/bin/ruby
# Print what MCollective::Util.parse_fact_string makes of hand-picked and random fact expressions.
# usage: ruby test/data/make_fact_strings.rb > test/data/fact_strings.txt
# A blank is written as _ (none of the texts holds one), fields are separated by tabs:
# text, then fact, operator and value, or "error".
require "mcollective"

PICKED = %w[
  foo=bar foo==bar foo!=bar foo<bar foo<=bar foo>bar foo>=bar foo=>bar foo=<bar foo=~bar foo=~/bar/
  foo=/bar/ foo=/bar bar=bar/ foo!=/x/ foo==/x/ foo<=/x/ a=b=c foo=a>b foo=a<b foo=a!=b foo=a=>b foo=a=<b
  foo =b foo= foo foo_=b foo_bar=b _foo=b foo_=_b foo__=___b foo=b_ foo=b__ foo_=_/a_b/ foo=/a_b/_
  foo=__ foo=>__ foo<__ foo==__ =b ==b ===b => =< < _=b _=/x/ __=/x/ a_b=/x/ a_b_=_/x/ a=_=/x/
  a=// a=/// a=//// a=~// a=~/ a=/ a=~ a!=~/x/ a!=~x a<=>b a=<>b a>=<b a=~=b a=!b a!b a<_=b a=_>b a=_=b
  a<b=>c a>b=<c a==>b a==<b a=>=b a=<=b a<==b a>==b a!==b a===b a=~~b a===>b a=_/x/y/ a=/x/y
  os.family=Debian kernel.version>=5.10 a-b=c a::b=c
].map { |text| text.tr("_", " ") }

RANDOM = Random.new(2125)
PIECES = ["a", "b", "cc", "1", "2.0", "/", "/x/", " ", " ", "=", "=", "==", "=~", "=>", "=<", "<", ">", "<=", ">=", "!=", "!", "~"]
TEXTS = (PICKED + Array.new(700) { Array.new(RANDOM.rand(2..7)) { PIECES.sample(random: RANDOM) }.join }).uniq

puts "# MCollective #{MCollective::VERSION}, Ruby #{RUBY_VERSION}; made by test/data/make_fact_strings.rb"
TEXTS.each do |text|
  fields = begin
    term = MCollective::Util.parse_fact_string(text)
    [term[:fact], term[:operator], term[:value]]
  rescue RuntimeError
    ["error"]
  end
  puts [text, *fields].join("\t").tr(" ", "_")
end
