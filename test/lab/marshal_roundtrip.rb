#!/usr/bin/ruby
# Check that Ruby loads what our encoder wrote: lines of JSON, a tab, and the document in hex.
# usage: marshal_emit | ruby test/lab/marshal_roundtrip.rb
# Prints "N passed, M failed"; status 1 if anything failed, or if there was nothing to check.
require "json"

# Equal in type, too: 1 is not 1.0, and -0.0 is not 0.0.
def same?(got, want)
  return false unless got.class == want.class
  case want
  when Array then got.size == want.size && got.zip(want).all? { |a, b| same?(a, b) }
  when Hash then got.keys == want.keys && want.all? { |key, value| same?(got[key], value) } && got.keys.all? { |key| utf8?(key) }
  when Float then [got].pack("G") == [want].pack("G")
  when String then utf8?(got) && got == want
  else got == want
  end
end

def utf8?(text) = text.encoding == Encoding::UTF_8 && text.valid_encoding?

# Keys of the outermost hash may be symbols, those inside never.
def load_document(hex)
  value = Marshal.load([hex].pack("H*"))
  symbols = value.is_a?(Hash) && value.keys.all?(Symbol)
  symbols ? value.transform_keys { |key| key.to_s.encode("UTF-8") } : value
end

# Ruby writes the same floats and integers; strings differ by the symlinks that we never write.
def same_bytes?(hex, want)
  ![Integer, Float].include?(want.class) || [hex].pack("H*") == Marshal.dump(want)
end

passed = failed = 0
ARGF.each_line(chomp: true) do |line|
  json, hex = line.split("\t")
  want = JSON.parse(json, max_nesting: false)
  if same?(load_document(hex), want) && same_bytes?(hex, want)
    passed += 1
  else
    failed += 1
    warn "failed: #{line}"
  end
rescue StandardError => e
  failed += 1
  warn "failed: #{e.message}: #{line}"
end

puts "#{passed} passed, #{failed} failed"
exit failed.zero? && passed.positive?
