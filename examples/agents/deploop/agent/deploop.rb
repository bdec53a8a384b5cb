require "mcollective/util/deploop_files"
require "open3"

module MCollective
  module Agent
    # Facts that say what a node is to become, and the Puppet environment it belongs to. The README says
    # which settings there are.
    class Deploop<RPC::Agent
      action "create_fact" do
        change { |files| files.set_fact(facts_file, request[:fact], request[:value]) }
      end

      action "remove_fact" do
        change { |files| files.remove_fact(facts_file, request[:fact]) }
      end

      action "fetch_facts" do
        change do |files|
          facts = files.fetch(request[:url], request[:sha256], setting("fetch_limit", "65536").to_i, setting("ca_file"))
          reply[:facts] = facts
          files.replace_facts(facts_file, facts)
        end
      end

      action "puppet_environment" do
        answer { |files| files.environment(setting("puppet_conf", "/etc/puppet/puppet.conf"), request[:env]) }
      end

      action "execute" do
        unless Util.str_to_bool(setting("execute", "no"))
          reply.fail!("execute is off on this node; plugin.deploop.execute = yes in its configuration turns it on")
        end
        # Ended before the agent's own time is over, so that its output is not lost with it.
        output, errors, status = Open3.capture3("timeout", "-k", "2", "50", "/bin/sh", "-c", request[:cmd])
        reply[:stdout] = output
        reply[:stderr] = errors
        reply[:exitcode] = status.exitstatus
        reply.fail(errors.empty? ? "exit status #{status.exitstatus}" : errors) unless status.success?
      end

      private

      def setting(name, default=nil)
        config.pluginconf.fetch("deploop.#{name}", default)
      end

      def facts_file
        setting("facts_file", "/etc/facter/facts.d/deploop.yaml")
      end

      # The file of MCollective's facts: as configured, or else the first that plugin.yaml names.
      def mcollective_facts
        setting("mcollective_facts") || config.pluginconf["yaml"].to_s.split(File::PATH_SEPARATOR).first
      end

      # So that discovery finds the node by its new facts, whether or not they were new to Puppet.
      def change
        answer do |files|
          before = files.facts_of(facts_file)
          changed = yield(files)
          names = before.keys
          names << request[:fact] if request[:fact]
          refreshed = mcollective_facts && files.refresh(mcollective_facts, names, files.facts_of(facts_file))
          changed || refreshed || false
        end
      end

      def answer
        reply[:changed] = yield(Util::DeploopFiles)
        reply["response_code"] = 0
      rescue Util::DeploopFiles::Refused, SystemCallError => e
        reply.fail!(e.message)
      end
    end
  end
end
