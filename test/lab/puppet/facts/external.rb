# What /etc/facter/facts.d is on a machine of its own: facts as data, from a folder that is this node's alone.
require "json"
require "yaml"

# Facter asks access(2), which allows root everything. In a sandbox that hides /proc/1/environ even so,
# the report of each run would be full of errors.
Facter::Util::FileHelper.singleton_class.prepend(Module.new do
  def safe_read(path, default_return = "")
    super
  rescue SystemCallError
    default_return
  end
end)

Dir[File.join(Puppet[:confdir], "facts.d", "*.{yaml,json}")].sort.each do |file|
  text = File.read(file, :encoding => "UTF-8")
  data = file.end_with?(".json") ? JSON.parse(text) : YAML.safe_load(text)
  (data || {}).each do |name, value|
    Facter.add(name) do
      setcode { value }
    end
  end
end
