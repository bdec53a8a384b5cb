# MCollective's own classes, without a configuration and without a word of their own; and the first
# line of what is made with them.
require "mcollective"
require "json"
include MCollective

class Silent
  def start; end

  def log(*); end
end
Log.configure(Silent.new)
Config.instance.instance_variable_set(:@libdir, ["/usr/lib/ruby/vendor_ruby"])
Config.instance.instance_variable_set(:@mode, :client)
puts "# MCollective #{MCollective::VERSION}, Ruby #{RUBY_VERSION}; made by test/data/#{File.basename($PROGRAM_NAME)}"
