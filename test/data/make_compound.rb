#!/usr/bin/ruby
# Ask MCollective's own Matcher what it makes of hand-picked and random -S expressions.
# usage: ruby test/data/make_compound.rb > test/data/compound_ruby.txt
# Each line is a JSON array of the expression, a word, and for "taken" the stack and its Marshal
# bytes in Base64:
#   refused  mco gives up: the grammar, or an exception of its own
#   useless  mco sends it, but no node can do what it says; the third element tells why
#   taken    regular expressions are {"regex": source} in the stack; the bytes have neither links
#            nor symlinks, which deployctl does not write
# The checks against DDLs that mco makes before it sends are not part of this: create_compound_callstack
# does not make them, and what they refuse is not a matter of the grammar.
require "mcollective"
require "json"
include MCollective

# What a node tests for a plain statement: MCollective's evaluation runs, its questions are recorded.
module MCollective::Util
  class << self
    attr_accessor :asked

    def has_fact?(*question)
      self.asked = [:fact, *question]
      true
    end

    def has_cf_class?(name)
      self.asked = [:class, name]
      true
    end
  end
end

def parse(text)
  Matcher.create_compound_callstack(text.dup)
rescue Exception # rubocop:disable Lint/RescueException
  nil
end

def regex?(text)
  Regexp.new(text)
  true
rescue RegexpError
  false
end

# Why a class can never be meant by this text.
def class_trouble(text)
  return "empty" if text.empty?
  return nil unless text.start_with?("/")
  return "open class regex" unless text.size > 1 && text.end_with?("/")
  bare = text.delete("/")
  return "empty regex" if bare.empty?
  regex?(bare) ? nil : "class regex"
end

def fact_trouble(text, name, value, operator)
  typed = text[name.size..][/\A(>=|<=|=|<|>)/]
  return "cut" unless "#{name}#{typed}#{value}" == text
  return "no value" if value.empty?
  return "no fact" if name.empty? || name.end_with?("!")
  return "operator in value" if value.start_with?("<", ">") || (typed == "=" && value.start_with?("~"))
  return nil unless operator == "=~"
  return "operator of regex" unless typed == "="
  regex?(value =~ %r{\A/(.+)/\z} ? $1 : value) ? nil : "fact regex"
end

def statement_trouble(text)
  Util.asked = nil
  Matcher.eval_compound_statement("statement" => text)
  kind, *rest = Util.asked
  kind == :class ? class_trouble(text) : fact_trouble(text, *rest)
rescue StandardError
  "node raises"
end

# Names, values and right sides that nobody can have meant: pieces of the text got lost or moved.
def function_trouble(text, function)
  return "no value" unless function["value"]
  return "name" unless function["name"] =~ /\A[A-Za-z0-9_]+\z/
  return "value" unless function["value"] =~ /\A[A-Za-z0-9_]+\z/
  return "backtick" if function["params"].to_s.include?("`")
  return "regex order" if function["r_compare"].is_a?(Regexp) && function["operator"] =~ /[<>]/
  return "right side" if function["r_compare"].to_s =~ /\A~/ && !function["r_compare"].is_a?(Regexp)
  return "more than one call" unless text =~ /\A\w+\([^()]*\)\.\w+(!=|[<>=])/
  return "value of the right side" unless text[/\)\.(\w+)/, 1] == function["value"]
  return "cut" if function["params"].to_s.size + 2 < text[/\((.*?)\)/, 1].size
  nil
end

# The stack as a truth, as nodes evaluate it.
def evaluates?(stack)
  words = {"and" => "&&", "or" => "||", "not" => "!", "(" => "(", ")" => ")"}
  !eval(stack.map { |token| words.fetch(token.keys.first, "true") }.join(" ")).nil? # rubocop:disable Security/Eval
rescue SyntaxError
  false
end

# What follows belongs to another statement, unless a quote or a regular expression is still open.
def open_end?(text, stack)
  longer = parse("#{text} and zzz")
  longer.nil? || inside(longer) != inside(stack + [{"and" => "and"}, {"statement" => "zzz"}])
end

def inside(stack)
  stack.map { |token| token.transform_values { |value| value.is_a?(Hash) ? value.transform_values(&:inspect) : value } }
end

def trouble(text, stack)
  return "empty" if stack.empty?
  return "syntax" unless evaluates?(stack)
  return "open end" if open_end?(text, stack)
  raw = Matcher::Parser.new(text.dup).execution_stack
  stack.each_with_index do |token, i|
    kind, value = token.first
    why = statement_trouble(value) if kind == "statement"
    why = function_trouble(raw[i]["fstatement"], value) if kind == "fstatement"
    return why if why
  end
  nil
end

def shown(value)
  case value
  when Regexp then {"regex" => value.source}
  when Hash then value.transform_values { |element| shown(element) }
  when Array then value.map { |element| shown(element) }
  else value
  end
end

# Every text its own object, also those that are keys: Marshal then writes no links.
def separate(value)
  case value
  when String then value.dup.freeze
  when Array then value.map { |element| separate(element) }
  when Hash then value.to_h { |key, element| [key.dup.freeze, separate(element)] }
  else value
  end
end

# The only symbol is :E. A text cannot hold this sequence: it has no control characters.
def bytes(stack)
  [Marshal.dump(separate(stack)).b.gsub("\x06;\x00".b, "\x06:\x06E".b)].pack("m0")
end

SEEN = {}

def ask(text)
  return if SEEN[text]
  SEEN[text] = true
  stack = parse(text)
  why = stack && trouble(text, stack)
  puts JSON.generate(if stack.nil? then [text, "refused"]
                     elsif why then [text, "useless", why]
                     else [text, "taken", shown(stack), bytes(stack)]
                     end)
end

puts "# MCollective #{MCollective::VERSION}, Ruby #{RUBY_VERSION}; made by test/data/make_compound.rb"

# Grammar.
["", " ", "  ", "a", " a", "a ", "a  ", "a  and  b", "a and b", "a or b", "a and b or c", "not a", "!a", "! a", "!!a", "not not a",
 "not(a)", "not (a)", "!(a)", "a and !b", "a and not b", "(a)", "((a))", "( a )", "(a or b) and c=uk", "a and(b)", "a or(b or c)",
 "(a", "a)", "((a)", "(a))", "a))", ")a(", ")(", "()", "(())", "( )", "(", ")", "a b", "and", "or", "not", "and a", "or a", "a and",
 "a or", "a and ", "a or or b", "a and and b", "a and or b", "a not b", "a !b", "a!b", "!", "! ", "not ", "not and a", "a and not",
 "a and !", "a and not ", "(a)b", "(a) b", "(a)(b)", "(a)!b", "(a) not b", "(a)and b", "(and a)", "(a and)", "a AND b", "A and B",
 "nota", "anda", "ora", "order=1", "android", "notch=1", "nothing and order", "not!a", "not(!a)", "a and(not b)", "no and an or o",
 "a\u00fc and gr\u00fc\u00dfe", "\u00fc", "motto=gr\u00fc\u00dfe and \u00e9"].each { |text| ask(text) }

# Comparisons.
%w[cluster=alfa rank>3 rank<3 rank>=3 rank<=3 rank!=3 rank==3 rank=~3 rank=>3 rank=<3 rank<>3 rank><3 a=b=c a>b>c a>b=c a<b>c a>=b=c
   a>=b>=c a= a> a>= a<= = == => < > =b >b ==b =/x/ =/x/y/ =// a=- a=! a=!b a=b! a.b=c a:b=c os.family=x a~b a=~/x/ a!=/x/ a==/x/
   a>/x/ a<=/x/ !a=b !a!=b].each { |text| ask(text) }
["cluster = alfa", "cluster= alfa", "cluster =alfa", "cluster  =  alfa", "cluster > alfa", "cluster >= alfa", "cluster>= alfa",
 "cluster >=alfa", "cluster < = alfa", "cluster != alfa", "cluster == alfa", "cluster = ", "cluster =", "cluster= and b",
 "cluster = alfa and rank > 3", "(cluster = alfa)", "(cluster=alfa )", "cluster = alfa bravo", "a = b = c", "a > = b", "'' = = b", "a= = b", "not cluster = alfa",
 "a = /x y/ and b", "a =/x/ or b=/y z/"].each { |text| ask(text) }

# Regular expressions and classes.
%w[/a/ /^web/ /a\/b/ /a//b/ /a/b/ /a/b // / /a /a/i /a/=b a/ a/b a/b/c a/b/ a=/x/ a=/x /a=b/ a=/(/ a=/[a-z]+/ a=/x/y a=/x/y/ a=/\d+/
   a=/a\/b/ a=/\\\\/ a=/x\/ a=// a=/// a=/x//y/ /(/ /x|y/ !/a/ (/a/ (/a/) role::web /role::web/ a=/\// a=/^\/srv$/ a=/x\\/
   a=/=/ a=/a=b/ a=/a>b/ a/=b a/b=c a/b/=c a=b/c a=b/c/ a=b/c/d].each { |text| ask(text) }
["/a b/", "x=/a b/", "x=/a b/ and y", "x=/(a|b) c/", "(x=/a/)", "(x=/a b/ or y)", "( /a/ )", "(/a/ )", "(/a/ or b)", "(b or /a/)",
 "( /a/) )", "x=/a)b/", "x=/a(b)/", "x=/ü/", "/ü/ and not /é/"].each { |text| ask(text) }

# Quotes.
["'a'", "\"a\"", "'a b'", "foo='bar baz'", "foo=\"bar baz\"", "foo='bar baz' and b", "foo = 'bar baz'", "'foo bar'=b", "''", "\"\"",
 "a=''", "''=b", "'a", "foo='bar and b", "'a\\'b'", "'a\\\\b'", "\"it's\"", "'a\"b'", "a'b'c", "'and'", "'not' and 'or'", "'a and b'",
 "'a('", "'('", "'a(b)'", "'f(1).x=1'", "'a)'", "('a)' or b)", "'/x/'", "'/x/=b'", "'a/=b'", "a='/srv'", "a='/x/'", "a='/x", "'=b'",
 "'!a'", "'a=b=c'", "\\a", "a\\ b", "a=b\\", "'a\\", "' a'", "' '", "a=' '", "a=' b'", "\"gr\u00fc\u00dfe\""].each { |text| ask(text) }

# Functions.
["fact('cluster').value=alfa", "fact(\"cluster\").value=alfa", "fact('cluster').value = alfa", "fact('cluster').value != alfa",
 "fact('cluster').value!=alfa", "fstat('/etc/x').md5=/baa37/", "fstat('/etc/x').md5!=/x/", "puppet().since_lastrun > 1800",
 "puppet().since_lastrun >= 1800", "puppet().since_lastrun>=1800", "puppet().since_lastrun<=1800", "puppet().since_lastrun<1800",
 "resource('file[/srv]').managed = true", "foo('x','y').bar=1", "foo('x', 'y').bar=1", "foo('x' ,'y').bar=1", "foo('x','y' ).bar=1",
 "foo( 'x' ).bar=1", "foo('x').bar", "foo('x')", "foo()", "foo().bar", "foo()=1", "foo('x')=1", "foo(x).y=1", "foo(1).y=1",
 "foo( ).y=1", "foo('x).y=1", "foo('x\").y=1", "foo(\"x','y\").y=1", "foo('x',\"y\").y=1", "foo('').y=1", "foo(\"\").y=1",
 "foo ('x').y=1", "foo('x') .y=1", "foo('x').y =1", "foo('x').y= 1", "foo('x').y=", "foo('x').=1", "foo('x').y.z=1", "foo('x').y-z=1",
 "foo('a.b').c=1", "foo('a=b').c=1", "foo('a>b').c=1", "foo('a b').c=1", "foo('a(b').c=1", "foo('a)b').c=1", "foo('a`b').c=1",
 "foo(\"it's\").c=1", "foo('a\"b').c=1", "foo('x').y==1", "foo('x').y=~1", "foo('x').y=~/x/", "foo('x').y=>1", "foo('x').y=<1",
 "foo('x').y<>1", "foo('x').y=a=b", "foo('x').y=a>b", "foo('x').y=a!=b", "foo('x').y=a!b", "foo('x').y=/a b/", "foo('x').y=/a=b/",
 "foo('x').y=/a/ and b", "foo('x').y=/a", "foo('x').y=/a and b", "foo('x').y=a/b", "foo('x').y=a/b/", "foo('x').y=a/b/c",
 "foo('x').y=//", "foo('x').y=/", "foo('x').y=/(/", "foo('x').y>/x/", "foo('x').y<=/x/", "foo('x').y=/a\\/b/", "foo('x').y=/^\\d+$/",
 "foo('x').y='a b'", "foo('x').y='a", "foo('x').y=\"\"", "foo('x').y='/a b/'", "foo('x').y=' 1'", "foo('x').y=1 and bar().z=2",
 "(foo('x').y=1)", "(foo('x').y=1 or !bar().z>2) and c", "not foo('x').y=1", "!foo().y=1", "a.foo('x').y=1", "a=foo('x').y=1",
 "a!foo('x').y=1", "Foo_2('x').Y_3=1", "f-o('x').y=1", "'foo'('x').y=1", "foo(", "foo('x'", "(foo('x').y=1", "foo('x').y=1 b",
 "foo('x').y=1)", "not('x').y=1", "and('x').y=1", "or().y=1", "('x').y=1", "foo('x')('y').z=1", "foo('x').y=bar('z')",
 "foo('x)\"')\".y=1", "foo('\u00fc').y=\u00e9", "foo('x').y=/gr\u00fc\u00df/", "foo('x').y=/\\u00fc/", "foo('x').y=/\\u{41}/", "foo('x').y=/\\xc3\\xbc/",
 "foo('x').y=/\\x41/", "foo('x').y=/\\x41b/", "foo('x').y=/\\u0041b/", "foo('x').y=/\\303\\274/", "foo('x').y=/\\\\u00fc/", "foo('x').y=/\\p{L}/"].each { |text| ask(text) }

RANDOM = Random.new(2125)

def pick(words)
  words.sample(:random => RANDOM)
end

# Sentences of the grammar.
def sentence(depth)
  case RANDOM.rand(depth > 3 ? 3 : 7)
  when 0 then pick(%w[apache role::web /^web/ nota order=1 x'y'z])
  when 1 then pick(["cluster=alfa", "rank > 3", "rank<=10", "os=/^deb/", "motto='a b'", "x=/a b/", "cluster = alfa"])
  when 2 then pick(["fact('x').value=1", "puppet().since_lastrun > 1800", "fstat('/etc/x').md5=/ba/", "foo('a','b').c!=/x/"])
  when 3 then "#{pick(["!", "not ", "! "])}#{sentence(depth + 1)}"
  when 4 then "(#{sentence(depth + 1)}#{pick(["", " "])})"
  else "#{sentence(depth + 1)} #{pick(%w[and or])} #{sentence(depth + 1)}"
  end
end
300.times { ask(sentence(0)) }

# Sentences with a slip, and words in any order.
200.times do
  text = sentence(1)
  at = RANDOM.rand(text.size)
  case RANDOM.rand(3)
  when 0 then text[at] = ""
  when 1 then text.insert(at, pick(["(", ")", " ", "'", "/", "=", "!", "and ", "\\", ">", "\""]))
  else text = text[0..at]
  end
  ask(text)
end
PIECES = ["a", "b=c", " and ", " or ", "not ", "!", "(", ")", " ", "=", "/", "'", "\"", "f('x').y", "f()", ".", ">", "and", "\\", "x", "=1",
  "/x/", ",", "\u00fc"].freeze
1200.times { ask(Array.new(RANDOM.rand(2..7)) { pick(PIECES) }.join) }
