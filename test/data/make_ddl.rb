#!/usr/bin/ruby
# Have MCollective's own classes load DDLs, and print what they understood.
# usage: ruby test/data/make_ddl.rb test/data/ddl/*.ddl > test/data/ddl_ruby.txt
# Each line is a JSON array: the file's name, and the DDL in the shape of deploy_ddl_json(), or the
# class of the exception.
require_relative "quiet_mcollective"

# A regular expression as text, options in front.
def text_of(regex)
  set, unset = [["m", 4], ["i", 1], ["x", 2]].partition { |_, bit| regex.options & bit != 0 }
  return regex.source if set.empty?
  "(?#{set.map(&:first).join}#{"-" unless unset.empty?}#{unset.map(&:first).join}:#{regex.source})"
end

def validation_of(value)
  case value
  when Regexp then {"regex" => text_of(value)}
  when String then {"regex" => value}
  when Symbol then {"validator" => value.to_s}
  when Array then {"list" => value}
  else {}
  end
end

def input_of(name, input)
  all = {"input" => name, "prompt" => input[:prompt], "description" => input[:description],
         "type" => input[:type].to_s, "optional" => input[:optional] ? true : false, "default" => input[:default]}
  all.merge!(validation_of(input[:validation]), "maxlength" => [input[:maxlength].to_i, 0].max) if input[:type] == :string
  all["list"] = input[:list] if input[:type] == :list
  all
end

def output_of(name, output)
  {"output" => name, "description" => output[:description], "display_as" => output[:display_as], "default" => output[:default]}
end

def aggregate_of(aggregate)
  output, arguments = aggregate[:args]
  arguments = (arguments || {}).transform_keys(&:to_s)
  format = aggregate[:format] || arguments.delete("format")
  all = {"function" => aggregate[:function], "output" => output}
  all["arguments"] = arguments unless arguments.empty?
  all["format"] = format if format
  all
end

def action_of(name, entity)
  display = {:failed => "failed", :ok => "ok"}.fetch(entity[:display], "always")
  display = "failed" if name == :data
  {"action" => name, "description" => entity[:description], "display" => display,
   "inputs" => entity[:input].map { |key, input| input_of(key, input) },
   "outputs" => entity[:output].map { |key, output| output_of(key, output) },
   "aggregates" => (entity[:aggregate] || []).map { |aggregate| aggregate_of(aggregate) }}
end

def read(path)
  text = File.read(path, :encoding => "UTF-8")
  kind = text =~ /^dataquery/ ? "data" : "agent"
  ddl = (kind == "data" ? DDL::DataDDL : DDL::AgentDDL).new(File.basename(path, ".ddl"), kind.to_sym, false)
  ddl.instance_eval(text, path, 1)
  meta = ddl.meta.transform_keys(&:to_s)
  {"kind" => kind,
   "metadata" => %w[name description author license version url].to_h { |key| [key, meta[key].to_s] }.merge("timeout" => meta["timeout"]),
   "actions" => ddl.entities.map { |name, entity| action_of(name, entity) }}
rescue StandardError, ScriptError => e
  e.class.to_s
end

ARGV.each { |path| puts JSON.generate([File.basename(path), read(path)]) }
