require "fileutils"
require "json"
require "open3"
require "yaml"

module MCollective
  module Agent
    # What clients meet on nodes that have the agent deploop as it was published: the same requests, its
    # replies and its faults, on the files of a lab node. plugin.deploop.published says which version.
    class Deploop<RPC::Agent
      action "create_fact" do
        facts = File.exist?(facts_file) ? YAML.safe_load(File.read(facts_file)) : {}
        old = facts[request[:fact]]
        value = request[:value]
        # The newer version takes a part of a word for a word: it never adds rm to storm.
        value = old.include?(value) ? old : "#{old} #{value}" if old && appends?
        facts[request[:fact]] = value
        File.write(facts_file, YAML.dump(facts))
        seen = setting("mcollective_facts")
        File.write(seen, JSON.generate(JSON.parse(File.read(seen, :encoding => "UTF-8")).merge(facts)))
        reply["response_code"] = 0
      end

      # The newer version loses what follows the first pluginsync, the older one adds more each time.
      action "puppet_environment" do
        file = setting("puppet_conf")
        text = File.exist?(file) ? File.read(file) : ""
        text = text[/\A.*?(?=^\s*pluginsync)/m] || text if appends?
        File.write(file, "#{text}pluginsync = false\nenvironment = #{request[:env]}\n")
        reply["response_code"] = 0
      end

      # With a Ruby of today it never learns the exit status, and takes that for a failure.
      action "execute" do
        output, errors, = Open3.capture3(request[:cmd])
        reply[:exitcode] = nil
        reply[:stdout] = output
        reply[:stderr] = errors
        reply.fail(errors, 1)
      end

      private

      def setting(name)
        config.pluginconf.fetch("deploop.#{name}")
      end

      def appends?
        setting("published") == "append"
      end

      def facts_file
        FileUtils.mkdir_p(File.dirname(setting("facts_file")))
        setting("facts_file")
      end
    end
  end
end
