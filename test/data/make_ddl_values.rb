#!/usr/bin/ruby
# Ask MCollective's own DDL, validators and aggregates about inputs and replies.
# usage: ruby test/data/make_ddl_values.rb > test/data/ddl_values_ruby.txt
# Each line is a JSON array:
#   ["check", properties of the input "v" as in Choria's JSON DDL, inputs, inputs after the defaults
#    were filled in, or the text of the exception]
#   ["convert", type, text, value or the text of the exception]
#   ["aggregate", function, arguments, values of the output in the replies, lines]
require_relative "quiet_mcollective"
Validator.load_validators
KNOWN = %w[shellsafe ipv4address ipv6address].freeze

def check(properties, inputs)
  given = properties.transform_keys(&:to_sym)
  given[:type] = given[:type].to_sym
  given[:validation] = given[:validation].to_sym if KNOWN.include?(given[:validation])
  ddl = DDL::AgentDDL.new("made", :agent, false)
  ddl.action("act", :description => "") { ddl.input(:v, {:prompt => "", :description => "", :optional => false}.merge(given)) }
  arguments = inputs.transform_keys(&:to_sym)
  answer = begin
    ddl.set_default_input_arguments("act", arguments)
    ddl.validate_rpc_request("act", arguments)
    arguments
  rescue StandardError => e
    e.message
  end
  puts JSON.generate(["check", properties, inputs, answer])
end

def check_text(validation, *values)
  values.flatten.each { |value| check({"type" => "string", "validation" => validation, "maxlength" => 0}, "v" => value) }
end

def convert(type, text)
  answer = begin
    type == "boolean" ? DDL.string_to_boolean(text) : DDL.string_to_number(text)
  rescue StandardError => e
    e.message
  end
  puts JSON.generate(["convert", type, text, answer])
end

# As rpc/stats.rb prints it; values that are as frequent have no order in Ruby.
def aggregate(function, arguments, values)
  args = arguments ? [:v, arguments.transform_keys(&:to_sym)] : [:v]
  sums = Aggregate.new(:action => "act", :output => {:v => {}}, :aggregate => [{:function => function, :args => args}])
  values.each { |value| sums.call_functions(:data => {:v => value}) }
  results = sums.summarize
  text = results.empty? ? nil : results.first.to_s
  lines = sums.failed.empty? ? text.to_s.split("\n") : "failed"
  puts JSON.generate(["aggregate", function.to_s, arguments, values, lines])
end

WORDS = ["", "a", "ab", "abc", "A", "a b", "a\nb", "\na", "a\n", "ü", "grüße", "日本語", "a.b", "a-b_c", "web01", "web01.example.net", "1", "01", "-1",
  "1.5", "true", "{}", "a,b", "a, b", ",", "$(id)", "`id`", "a;b", "a|b", "a&b", "a&&b", "a>b", "<a", "a\tb", "'", "\"", "\\", "x" * 40, "x" * 41].freeze
["^[\\w\\-\\.]+$", "^.+$", "\\A.+\\z", "\\A\\w+\\Z", ".", ".*", "^\\s*[\\w\\.\\-]+(\\s*,\\s*[\\w\\.\\-]+)*$", "^\\d+$", "a", "^a$", "\\h", "(?i)^AB",
  "^[a-zA-Z\\-_\\d\\.:\\/]+$", "^[^,]+$", "^(a|ab)(c|bcd)?$", "ü", "^\\S{3}$"].each { |regex| check_text(regex, WORDS) }
check_text("shellsafe", WORDS)
check_text("ipv4address", %w[1.2.3.4 0.0.0.0 255.255.255.255 256.1.1.1 1.2.3 1.2.3.4.5 01.2.3.4 1.2.3.04 1.2.3.4/24 1.2.3.4/0 1.2.3.4/32 1.2.3.4/33
  1.2.3.4/024 1.2.3.4/ 1.2.3.4/255.255.255.0 1.2.3.4/255.0.255.0 1.2.3.4/0.0.0.255 1.2.3.4/a ::1 1.2.3.4%eth0 [1.2.3.4] a.b.c.d 1.2.3.-4 1..2.3 .1.2.3
  1.2.3. 0.0.0.00 ::ffff:1.2.3.4 1.2.3.4/-1 1.2.3.4/255.255.255.255 1.2.3.4/0.0.0.0 1.2.3.4/24/8 localhost], "", " 1.2.3.4", "1.2.3.4\n", "1.2.3.4 ")
check_text("ipv6address", %w[::1 :: 1:: fe80::1%eth0 [::1] [::1 ::1] ::1/128 ::1/129 ::1/0 ::1/064 ::1/ 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9
  1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1::3:4:5:6:7:8 1::2::3 12345::1 g::1 ::ffff:1.2.3.4 ::1.2.3.256 1:2:3:4:5:6:1.2.3.4 1:2:3:4:5:6:7:1.2.3.4
  1:2:3:4:5::1.2.3.4 1::5:1.2.3.4 ::01.2.3.4 1.2.3.4 FE80::ABCD [fe80::1%eth0] [fe80::1]%eth0 fe80::1% %eth0 ::1/64/3 ::1/ffff:: : ::: 1: :1 1:2
  1:2:3:4:5:6:7:8/64 ::ffff:1.2.3.4/96 [::ffff:1.2.3.4] 2001:db8::/32 1:2:3:4:5:6::8 1:2:3:4:5:6:7::8 ::0:0:0:0:0:0:0:0 ::0:0:0:0:0:0:0 ::1:2:3:4:1.2.3.4 ::1:2:3:4:5:1.2.3.4 1::2:3:4:5:1.2.3.4 1::2:3:4:5:6:1.2.3.4 1:2::3:4:5:1.2.3.4], "", " ::1", "::1\n")

VALUES = [nil, true, false, 0, 1, -1, 1.0, 1.5, -2.5, 1e30, 12345678901, "1", "true", "", "a", [], ["a"], {}, {"a" => 1}].freeze
%w[integer float number boolean].each { |type| VALUES.each { |value| check({"type" => type}, "v" => value) } }
VALUES.each { |value| check({"type" => "string", "validation" => ".*", "maxlength" => 0}, "v" => value) }
VALUES.each { |value| check({"type" => "list", "list" => ["a", "b", 1, 2.5, true]}, "v" => value) }
VALUES.each { |value| check({"type" => "string", "validation" => %w[a 1], "maxlength" => 1}, "v" => value) if value.is_a?(String) }
WORDS.each do |value|
  [1, 3, 5, 40, -1].each { |length| check({"type" => "string", "validation" => ".*", "maxlength" => length}, "v" => value) }
end
[true, false].product([nil, false, "a", "b"]).each do |optional, preset|
  [{}, {"v" => "a"}, {"v" => "c"}, {"w" => 1}].each do |inputs|
    check({"type" => "list", "list" => ["a", false], "optional" => optional, "default" => preset}, inputs)
  end
end

%w[true TRUE tRuE t T yes Y y 1 false False f F no N n 0 on off 2 truee 01 - ye].each { |text| convert("boolean", text) }
%w[0 1 01 007 10 1.5 01.50 1.0 12345678901234 0.1 100.25 .5 5. 1.5.2 abc 0x10 1_0 1,5 1e999 +1 --1].each { |text| convert("number", text) }

[%w[a b a a b c a], ["x"], [], [nil, nil], [1, "1", 1, 1, "1"], [%w[a b], %w[a], nil, "a"], [true, true, false], [1.5, 2, 1.5],
  ["grüße", "a", "a"], [[%w[a]], [%w[a]]], ["", "", "x"], [nil, "a"]].each do |values|
  aggregate(:summary, nil, values)
  aggregate(:summary, {"format" => "%5s -> %s!"}, values)
end
[[1, 2, 4], [1, 2.0, 4], [7], [-7, 0], [0.1, 0.2], [1, nil], ["1"], [3, 4, 5, 6], [10**12, 1]].each do |values|
  %i[average sum].each do |function|
    [nil, "Average: %0.2f", "%d", "%s %%", "%8.3f|", "%-8d|", "%08.2f", "%+d", "100%% of %5d", "%e"].each do |format|
      aggregate(function, format ? {"format" => format} : nil, values)
    end
  end
end
