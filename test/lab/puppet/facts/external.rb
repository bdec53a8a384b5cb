# What /etc/facter/facts.d is on a machine of its own: facts as data, from a folder that is this node's alone.
require "json"
require "yaml"

Dir[File.join(Puppet[:confdir], "facts.d", "*.{yaml,json}")].sort.each do |file|
  text = File.read(file, :encoding => "UTF-8")
  data = file.end_with?(".json") ? JSON.parse(text) : YAML.safe_load(text)
  (data || {}).each do |name, value|
    Facter.add(name) do
      setcode { value }
    end
  end
end
