# Is a document what a JSON Schema says? As much of draft 7 as our schemas use; a keyword that is not
# known here is an error, so that none is passed over in silence.
# usage: schema.rb SCHEMA FILE...            "FILE: good", or "FILE: POINTER: why" of the first flaw
#        schema.rb SCHEMA --steps FILE...    "FILE: INDEX good" for each of its steps that is good
require "json"
require "yaml"

SCHEMA = JSON.parse(File.read(ARGV.shift))
TYPES = {"object" => [Hash], "array" => [Array], "string" => [String], "integer" => [Integer],
         "number" => [Integer, Float], "boolean" => [TrueClass, FalseClass], "null" => [NilClass]}
SILENT = %w[$schema title description definitions then else if]


def resolve(path)
	path.delete_prefix("#/").split("/").reduce(SCHEMA) { |all, key| all.fetch(key) }
end

def first_flaw(pairs)
	pairs.each { |value, schema, at| found = flaw(value, schema, at) and return found }
	nil
end

def members(value, at)
	value.map { |key, member| [key.to_s, member, "#{at}/#{key}"] }
end

# What is wrong with value by one keyword, or nil.
def by_keyword(value, key, said, schema, at)
	object, list, text = value.is_a?(Hash), value.is_a?(Array), value.is_a?(String)
	number = value.is_a?(Numeric)
	case key
	when "$ref" then flaw(value, resolve(said), at)
	when "type"
		[said].flatten.any? { |type| TYPES.fetch(type).any? { |c| value.is_a?(c) } } ? nil : "#{at}: no #{said}"
	when "enum" then said.include?(value) ? nil : "#{at}: none of #{said}"
	when "const" then said == value ? nil : "#{at}: not #{said}"
	when "pattern" then text && !value.match?(Regexp.new(said)) ? "#{at}: does not match #{said}" : nil
	when "minLength" then text && value.length < said ? "#{at}: too short" : nil
	when "minimum" then number && value < said ? "#{at}: too small" : nil
	when "maximum" then number && value > said ? "#{at}: too large" : nil
	when "minItems" then list && value.length < said ? "#{at}: too few" : nil
	when "maxItems" then list && value.length > said ? "#{at}: too many" : nil
	when "minProperties" then object && value.length < said ? "#{at}: too few" : nil
	when "required"
		missing = object ? said.reject { |name| value.key?(name) } : []
		missing.empty? ? nil : "#{at}: lacks #{missing.join(', ')}"
	when "items" then list ? first_flaw(value.each_with_index.map { |v, i| [v, said, "#{at}/#{i}"] }) : nil
	when "properties"
		object ? first_flaw(members(value, at).filter_map { |k, v, p| [v, said[k], p] if said[k] }) : nil
	when "additionalProperties"
		known = (schema["properties"] || {}).keys
		object ? first_flaw(members(value, at).filter_map { |k, v, p| [v, said, p] unless known.include?(k) }) : nil
	when "propertyNames" then object ? first_flaw(members(value, at).map { |k, _, p| [k, said, p] }) : nil
	when "anyOf" then said.any? { |s| !flaw(value, s, at) } ? nil : "#{at}: none of what it may be"
	when "oneOf"
		count = said.count { |s| !flaw(value, s, at) }
		count == 1 ? nil : "#{at}: #{count} of what it may be, not one"
	when "not" then flaw(value, said, at) ? nil : "#{at}: what it must not be"
	else raise "schema: what is #{key}?"
	end
end

def flaw(value, schema, at)
	return nil if schema == true
	return "#{at}: not known" if schema == false
	if schema["if"]
		branch = flaw(value, schema["if"], at) ? schema["else"] : schema["then"]
		found = branch && flaw(value, branch, at) and return found
	end
	schema.each do |key, said|
		next if SILENT.include?(key)
		found = by_keyword(value, key, said, schema, at) and return found
	end
	nil
end

steps = ARGV.first == "--steps" && ARGV.shift
ARGV.each do |file|
	plan = YAML.safe_load(File.read(file))
	unless steps
		puts "#{file}: #{flaw(plan, SCHEMA, '') || 'good'}"
		next
	end
	plan["steps"].each_with_index do |step, i|
		puts "#{file}: #{i} good" unless flaw(step, {"$ref" => "#/definitions/step"}, "")
	end
end
