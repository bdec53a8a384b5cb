#!/usr/bin/ruby
# Print values as Ruby dumps them, and the JSON that lib/wire/marshal.h says they become.
# usage: ruby test/data/make_marshal.rb > test/data/marshal_ruby.txt
# One value a line: the dump in hex, a tab, the JSON. The JSON is made here from the value itself,
# never from its dump: shared objects and links are Ruby's own doing.
require "base64"
require "bigdecimal"
require "date"
require "json"
require "ostruct"
require "set"

RANDOM = Random.new(2125)

Pair = Struct.new(:left, :right)
Named = Struct.new(:name, keyword_init: true)
class Point; def initialize(*at) = (@x, @y = at) end
class Text < String; end
class List < Array; end
class Table < Hash; end
class Shape < Regexp; end
class Oops < StandardError; end
module Loud; end
module Bold; end

# _dump: the object gets its number behind the instance variables of the text.
class Dumped
  def initialize(text) = @text = text
  def _dump(_level) = @text
  def self._load(text) = new(text)
end

# marshal_dump: the object has a number, and what it dumps has one, too.
class Made
  def initialize(state) = @state = state
  def marshal_dump = @state
  def marshal_load(state) = @state = state
end

# The module that was the last to extend the value.
def extension(value) = (value.singleton_class.ancestors.find { |m| [Loud, Bold].include?(m) } if value.is_a?(Loud) || value.is_a?(Bold))

# An exact class of the core: anything else is opaque.
def plain?(value, type) = value.instance_of?(type) && !extension(value)

def text(bytes)
  utf8 = bytes.b.force_encoding("UTF-8")
  utf8.valid_encoding? && !utf8.include?("\0") ? utf8 : nil
end

def escaped(bytes) = bytes.b.gsub(/[^ -~]/n) { |byte| format('\x%02x', byte.ord) }

def class_name(value) = (extension(value) || value.class).name

# The digits that Ruby dumps, with ".0" behind a whole number.
def float_key(value)
  digits = Marshal.dump(value)[4..]
  digits =~ /[.e]/ ? digits : digits + ".0"
end

def key(value)
  case value
  when Symbol, String
    return text(value.to_s) || escaped(value.to_s) if value.is_a?(Symbol) || plain?(value, String)
  when Float
    return float_key(value) if value.finite?
  end
  printed = JSON.generate(convert(value))
  printed.bytesize > 1024 ? "#{printed.byteslice(0, 1024).scrub("")}..." : printed
end

def float(value)
  return value if value.finite?
  { "$float" => value.nan? ? "nan" : value.positive? ? "inf" : "-inf" }
end

def convert(value)
  case value
  when nil, true, false then value
  when Integer then value.bit_length <= 63 ? value : { "$int" => value.to_s }
  when Float then float(value)
  when Symbol then text(value.to_s) || { "$bytes" => Base64.strict_encode64(value.to_s) }
  else convert_object(value)
  end
end

def convert_object(value)
  if plain?(value, String)
    text(value) || { "$bytes" => Base64.strict_encode64(value) }
  elsif plain?(value, Array)
    value.map { |item| convert(item) }
  elsif plain?(value, Hash) && !value.compare_by_identity?
    value.to_h { |k, v| [key(k), convert(v)] }
  else
    { "$ruby" => class_name(value) }
  end
end

# Objects that later values may share; Ruby writes a link for the second time.
class Shared
  def initialize = @seen = []
  def add(value) = @seen.push(value).last
  def take = @seen.sample(random: RANDOM)
  def any? = !@seen.empty?
end

WORDS = %w[pong rpcutil statuscode web01.example.net é 漢字 😀 uid=0] + ["", "two words", "a\nb", "\e[31m", "\\", '"', "\t"]

ENCODED = [
  "caf\xe9".dup.force_encoding("ISO-8859-1"), "plain".dup.force_encoding("Windows-1252"),
  "\u00e9t\u00e9".encode("UTF-16LE"), "x".encode("UTF-32BE"), "\u3042".encode("Shift_JIS"), "\u3042".encode("EUC-JP"),
  "ascii".dup.force_encoding("US-ASCII"), "binary\xff\x00".b, "bin".b, "nul\0nul", "broken\xff", "\xc3".b,
  "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80", "\u{10ffff}", "\u{7f}", "\xef\xbf\xbe"
]

NUMBERS = [
  0, 1, -1, 122, 123, -123, -124, 255, 256, -256, -257, 65535, 65536, -65536, -65537, 2**24 - 1, 2**24, -2**24, -2**24 - 1,
  2**30 - 1, 2**30, -2**30, -2**30 - 1, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**32 - 1, 2**32, 2**53 + 1, 2**62 - 1, 2**62,
  -2**62 - 1, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64 - 1, 2**64, -2**64, 10**19, 10**100, -10**100, 2**4096 - 1, 1 << 8191
]

FLOATS = [
  0.0, -0.0, 1.0, -1.5, 0.1, 100.0, 123.456, 1e15, 1e16, 1e17, 1e22, 1e23, 1e100, 1.5e-7, 0.001, 0.0001, 0.00012, 5e-324,
  2.2250738585072014e-308, 1.7976931348623157e308, 2.0**-44, 9007199254740993.0, 0.30000000000000004, Math::PI,
  Float::INFINITY, -Float::INFINITY, Float::NAN
]

def random_text(shared)
  case RANDOM.rand(6)
  when 0 then ENCODED.sample(random: RANDOM).dup
  when 1 then RANDOM.bytes(RANDOM.rand(1..12))
  when 2 then "first"
  when 3 then Array.new(RANDOM.rand(1..60)) { RANDOM.rand(32..126).chr }.join
  else WORDS.sample(random: RANDOM).dup
  end
end

def random_scalar(shared)
  case RANDOM.rand(9)
  when 0 then [nil, true, false].sample(random: RANDOM)
  when 1 then NUMBERS.sample(random: RANDOM)
  when 2 then RANDOM.rand(-2**RANDOM.rand(1..100)..2**RANDOM.rand(1..100))
  when 3 then shared.add(RANDOM.rand * 10**RANDOM.rand(-10..10))
  when 4 then FLOATS.sample(random: RANDOM)
  when 5 then [:ok, :first, :"two words", :é, :"", :data].sample(random: RANDOM)
  else shared.add(random_text(shared))
  end
end

def random_object(shared, depth)
  inner = -> { random_value(shared, depth + 1) }
  case RANDOM.rand(14)
  when 0 then Time.at(RANDOM.rand(2**31), RANDOM.rand(10**9), :nsec, in: ["UTC", "+02:00", "-05:30"].sample(random: RANDOM))
  when 1 then Pair.new(inner.call, inner.call)
  when 2 then Point.new(inner.call, inner.call)
  when 3 then Set.new([1, "two", inner.call])
  when 4 then (1..RANDOM.rand(9))
  when 5 then Text.new("text")
  when 6 then List.new([inner.call])
  when 7 then Table[1 => inner.call]
  when 8 then Made.new([inner.call])
  when 9 then Dumped.new(WORDS.sample(random: RANDOM).dup)
  when 10 then /a+#{RANDOM.rand(9)}é?/i
  when 11 then [String, Comparable, Process::Status].sample(random: RANDOM)
  when 12 then [Rational(1, 3), Complex(1, 2.5), BigDecimal("1.5"), Date.new(2020, 1, 1)].sample(random: RANDOM)
  else WORDS.sample(random: RANDOM).dup.extend(Loud)
  end
end

# Sharing stays free of cycles: an object may be named again once it is complete.
def random_value(shared, depth = 0)
  kind = RANDOM.rand(12)
  return random_scalar(shared) if depth > 3 || kind < 4 && depth > 0
  return shared.take if kind == 4 && shared.any?
  return shared.add(random_object(shared, depth)) if kind == 5
  count = RANDOM.rand(0..5)
  return shared.add(Array.new(count) { random_value(shared, depth + 1) }) if kind < 9
  shared.add(random_hash(shared, depth, count))
end

def random_hash(shared, depth, count)
  hash = RANDOM.rand(5).zero? ? Hash.new("default") : {}
  count.times do |i|
    name = RANDOM.rand(6).zero? ? random_scalar(shared) : "#{%w[fact Name x].sample(random: RANDOM)}#{i}"
    hash[RANDOM.rand(2).zero? && name.is_a?(String) && name.valid_encoding? ? name.to_sym : name] = random_value(shared, depth + 1)
  end
  hash
end

# What links, symlinks and numbers are easily got wrong with.
def specials
  a, b, f, big, t = "a".dup, "b".dup, 1.5, 2**70, Time.at(0).utc
  latin = "\xe9".dup.force_encoding("ISO-8859-1")
  iv = "iv".dup.tap { |s| s.instance_variable_set(:@note, [a]) }
  iv_array = [1].tap { |list| list.instance_variable_set(:@note, a) }
  made, dumped, point = Made.new([a]), Dumped.new("d"), Point.new(a, b)
  [
    [a, a], [a, [a], { a => a }], [f, f, a, a], [big, big, a, a], [2**40, a, 2**40, a], [t, a, t, a], [latin, a, latin.dup, a],
    [iv, a, iv, a], [iv_array, a, iv_array], [made, a, made, a], [dumped, b, dumped, b], [point, a, point, b],
    [Pair.new(a, b), b, a], [Named.new(name: a), a], [Set[a, b], a, b], [(a..b), a, b], [Hash.new(a).merge!("k" => b), a, b],
    [/x/, a, a], [/é/, a, a], [/\xff/n, a, a], [Shape.new("x"), a, a], [String, Comparable, String, a, a],
    [a.dup.extend(Loud), a, a], [a.dup.extend(Loud, Bold), b, b], [[1].extend(Bold), a, a], [Text.new("q").extend(Loud), a, a],
    [Point.new(1, 2).extend(Loud), a, a], [{ a => 1 }.compare_by_identity, a, a], [List.new([a]), a], [Table[a, b], a, b],
    [Rational(1, 3), a, a], [Complex(1.5, 2), a, a], [BigDecimal("1e400"), a, a], [Date.new(2026, 10, 1), a, a],
    [DateTime.new(2026, 10, 1), a, a], [OpenStruct.new(a: a), a, a], [Oops.new(a), a, a], [Process::Tms.new(f, f, 0.0, 0.0), f, a, a],
    [Random.new(1), a, a], [Encoding::UTF_8.name, a, a], [:é, :a, :é, :a, :"\u6f22"], %i[a b a b], [:"with space", :"", :"a=", :"é"],
    ["\u00e9".encode("ISO-8859-1").to_sym, :x, a, a], { a: 1, "a" => 2 }, { "1" => 1, 1 => 2, 1.0 => 3 },
    { nil => 1, true => 2, false => 3, 1.5 => 4, 1e100 => 5, 1e-7 => 6, 2**64 => 7, Float::INFINITY => 8 },
    { ["\u00e9" * 600] => 1, ["x\u00e9" * 600] => 2, [1, a] => a, { "k" => 1 } => b, t => a, "\xe9" => 1, "n\0".b => 2, :é => 3, latin => 4, 1..2 => 5, List[1] => 6 },
    { Text.new("sub") => 1, "sub" => 2 }, { a => { a => { a => a } } }, Array.new(70) { |i| [i.to_s, i.to_s.to_sym] },
    Array.new(300) { a }, Array.new(40) { |i| "k#{i}".to_sym } * 2, { statuscode: 0, statusmsg: "OK", data: { pong: 1795228637 } },
    { senderid: "n1", requestid: "0" * 32, senderagent: "discovery", msgtime: 1795228637, body: Marshal.dump("pong"), hash: "d" * 32 },
    { agent: "rpcutil", action: "ping", caller: "uid=0", data: { process_results: true } },
    [[], {}, "", :"", 0, nil], [[[[[[[[]]]]]]]], ["x" * 255, "x" * 256, "x" * 4000], Array.new(123, nil), Array.new(256, true)
  ]
end

def line(value) = "#{Marshal.dump(value).unpack1("H*")}\t#{JSON.generate(convert(value))}"

puts "# Ruby #{RUBY_VERSION}, Marshal #{Marshal::MAJOR_VERSION}.#{Marshal::MINOR_VERSION}; made by test/data/make_marshal.rb"
(NUMBERS + FLOATS + ENCODED + WORDS + specials).each { |value| puts line(value) }
280.times { puts line(random_value(Shared.new)) }
