require "fileutils"
require "json"
require "time"
require "yaml"

module MCollective
  module Agent
    # The contract of the published puppet agents, and what is odd about them, for the Puppet agent that
    # plugin.puppet.config and plugin.puppet.command name. Really runs it.
    class Puppet<RPC::Agent
      activate_when { Config.instance.pluginconf.include?("puppet.config") }

      OPTIONS = [:server, :tags, :skip_tags, :noop, :environment, :use_cached_catalog, :ignoreschedules].freeze

      action "runonce" do
        refusal = refuse_run
        reply.fail!(reply[:summary] = refusal) if refusal
        daemon = running_pid("rundir", "agent.pid")
        if daemon
          Process.kill("USR1", daemon)
          reply[:summary] = "Signalled the running Puppet Daemon"
        else
          started = Time.now.to_i
          reply[:summary] = start_run
          reply[:initiated_at] = started
        end
      end

      action "status" do
        status.each { |name, value| reply[name] = value }
      end

      action "disable" do
        text = request[:message] || "Disabled via MCollective by #{request.caller} at #{Time.now.strftime("%F %R")}"
        if disabled?
          reply.fail(reply[:status] = "Could not disable Puppet: Already disabled")
        else
          replace(disabled_lock, JSON.generate("disabled_message" => text))
          reply[:status] = "Succesfully locked the Puppet agent: #{text}"
        end
        reply[:enabled] = !disabled?
      end

      action "enable" do
        if disabled?
          File.unlink(disabled_lock)
          reply[:status] = "Succesfully enabled the Puppet agent"
        else
          reply.fail(reply[:status] = "Could not enable Puppet: Already enabled")
        end
        reply[:enabled] = !disabled?
      end

      action "last_run_summary" do
        all = summary
        resources = all["resources"]
        {:out_of_sync_resources => "out_of_sync", :failed_resources => "failed", :changed_resources => "changed",
         :corrected_resources => "corrective_change", :total_resources => "total"}.each do |output, name|
          reply[output] = resources[name]
        end
        reply[:total_time] = all["time"]["total"]
        reply[:config_retrieval_time] = all["time"]["config_retrieval"]
        reply[:lastrun] = lastrun
        reply[:since_lastrun] = Time.now.to_i - lastrun
        reply[:config_version] = all["version"]["config"]
        reply[:type_distribution] = type_distribution
        reply[:summary] = all
        reply[:logs] = request[:logs] ? logs : {}
      end

      action "resource" do
        reply.fail!("The #{request[:type]} type is not listed in the type whitelist")
      end

      private

      def setting(name)
        config.pluginconf["puppet.#{name}"]
      end

      # The lab writes its puppet.conf with every folder in full.
      def folder(name)
        line = File.readlines(setting("config"), :encoding => "UTF-8").grep(/^\s*#{name}\s*=/).first
        line.split("=", 2).last.strip
      end

      def state(file)
        File.join(folder("vardir"), "state", file)
      end

      def disabled_lock
        state("agent_disabled.lock")
      end

      def disabled?
        File.exist?(disabled_lock)
      end

      def disable_message
        disabled? ? JSON.parse(File.read(disabled_lock))["disabled_message"].to_s : ""
      rescue JSON::ParserError
        ""
      end

      # The process whose pid the file holds, nil if there is none.
      def running_pid(folder_name, file)
        pid = Integer(File.read(File.join(folder(folder_name), file)))
        Process.kill(0, pid)
        pid
      rescue SystemCallError, ArgumentError
        nil
      end

      def applying?
        !disabled? && !running_pid("vardir", "state/agent_catalog_run.lock").nil?
      end

      def replace(file, text)
        FileUtils.mkdir_p(File.dirname(file))
        File.write("#{file}.new", text)
        File.rename("#{file}.new", file)
      end

      def status
        daemon = !running_pid("rundir", "agent.pid").nil?
        applying = applying?
        now = if disabled?
                "disabled"
              elsif applying
                "applying a catalog"
              else
                daemon ? "idling" : "stopped"
              end
        since = Time.now.to_i - lastrun
        {:applying => applying, :idling => daemon && !applying, :enabled => !disabled?, :daemon_present => daemon,
         :lastrun => lastrun, :since_lastrun => since, :status => now, :disable_message => disable_message,
         :message => "Currently #{now}; last completed run #{words_for(since)} ago"}
      end

      def words_for(seconds)
        minutes, s = seconds.divmod(60)
        hours, m = minutes.divmod(60)
        days, h = hours.divmod(24)
        return "%d days %d hours %02d minutes %02d seconds" % [days, h, m, s] if days > 0
        return "%d hours %02d minutes %02d seconds" % [h, m, s] if h > 0
        m > 0 ? "%d minutes %02d seconds" % [m, s] : "%02d seconds" % s
      end

      def given?(name)
        !request[name].nil?
      end

      def refuse_run
        if given?(:server) && !Util.str_to_bool(setting("allow_server_override") || "false")
          "Passing 'server' option is not allowed in module configuration"
        elsif disabled?
          text = disable_message
          text.empty? ? "Puppet is disabled" : "Puppet is disabled: '#{text}'"
        elsif applying?
          "Puppet is currently applying a catalog, cannot run now"
        elsif running_pid("rundir", "agent.pid") && OPTIONS.any? { |name| given?(name) }
          "Cannot specify any custom puppet options when the daemon is running"
        end
      end

      # The command returns as soon as the run goes on by itself in the background.
      def start_run
        command = setting("command").split + %w[--onetime --daemonize --color=false --show_diff --verbose] + options
        ok = system(*command, :in => File::NULL, :out => File::NULL, :err => File::NULL)
        reply.fail!(reply[:summary] = "Puppet command '#{command.join(" ")}' did not start a run") unless ok
        "Started a Puppet run using the '#{command.join(" ")}' command"
      end

      def options
        list = splay
        [:server, :tags, :skip_tags, :environment].each do |name|
          list.push("--#{name}", request[name]) if given?(name)
        end
        [:noop, :use_cached_catalog].each do |name|
          list << (request[name] ? "--#{name}" : "--no-#{name}") if given?(name)
        end
        list << "--ignoreschedules" if request[:ignoreschedules]
        list
      end

      def splay
        return ["--no-splay"] if request[:force] || request[:splay] == false
        return [] if !given?(:splay) && setting("splay") == "false"
        ["--splay", "--splaylimit", (request[:splaylimit] || setting("splaylimit") || 30).to_s]
      end

      # What the run left out is filled in: a run without a catalog has no resources, and they come out as 0.
      def summary
        file = File.join(folder("publicdir"), "last_run_summary.yaml")
        found = File.exist?(file) ? YAML.safe_load(File.read(file)) : {}
        filled = {
          "changes" => {"total" => 0}, "events" => {"failure" => 0, "success" => 0, "total" => 0},
          "resources" => {"failed" => 0, "changed" => 0, "corrective_change" => 0, "total" => 0, "restarted" => 0, "out_of_sync" => 0},
          "time" => {"total" => 0, "config_retrieval" => 0, "last_run" => 0}, "version" => {"config" => "unknown", "puppet" => "unknown"}
        }
        filled.merge(found) { |_, left, right| right.is_a?(Hash) ? left.merge(right) : left }
      end

      def lastrun
        summary["time"]["last_run"].to_i
      end

      def type_distribution
        file = state("resources.txt")
        types = File.exist?(file) ? File.readlines(file).map { |line| line[/\A[^\[]+/].to_s.split("::").map(&:capitalize).join("::") } : []
        types.each_with_object(Hash.new(0)) { |type, counts| counts[type] += 1 }.to_a.to_h
      end

      # The report without the classes of Puppet's own that its objects claim.
      def logs
        file = state("last_run_report.yaml")
        return [] unless File.exist?(file)
        report = YAML.safe_load(File.read(file).gsub(%r{!ruby/\S+}, ""), :permitted_classes => [Symbol, Time], :aliases => true)
        report["logs"].map do |log|
          time = Time.parse(log["time"].to_s)
          {"time_utc" => time.utc.to_i, "time" => time.to_i, "level" => log["level"].to_s,
           "source" => log["source"].to_s, "msg" => log["message"].to_s.chomp}
        end
      end
    end
  end
end
