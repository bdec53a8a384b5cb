require "fileutils"

module MCollective
  module Util
    # What the agents of the plans' tests have in common: who was asked what, in the lab's file "calls", a line
    # "NODE AGENT.ACTION VALUE..." each, in the order in which it happened; and what a node is made to do wrong:
    # its file "AGENT.ACTION.fail" or ".mute" holds how often, and sinks to 0. "slow": each takes so many seconds.
    module Works
      module_function

      # work("appmgr.upgrade", 42): noted; raises if the node is to fail, never comes back if it is to be mute
      def work(what, *values)
        note(what, *values)
        sleep(get("slow").to_f)
        sleep if due?("#{what}.mute")
        raise RPCAborted, "#{what} was made to fail" if due?("#{what}.fail")
      end

      # One write to the end of the file is whole, whoever else writes.
      def note(*words)
        line = [node, *words].join(" ")
        File.open(calls, "a") { |file| file.syswrite("#{line}\n") }
      end

      def due?(name)
        left = number(name)
        put(name, left - 1) if left.positive?
        left.positive?
      end

      def number(name)
        get(name).to_i
      end

      def get(name)
        File.read(File.join(folder, name))
      rescue Errno::ENOENT
        ""
      end

      # As a whole or not at all.
      def put(name, value)
        path = File.join(folder, name)
        File.write("#{path}.new", value.to_s)
        FileUtils.mv("#{path}.new", path)
      end

      def folder
        File.dirname(Config.instance.configfile)
      end

      def node
        Config.instance.identity.split(".").first
      end

      def calls
        File.join(folder, "../../calls")
      end

      # What the agent deploop executes finds our sudo, which notes and does nothing.
      ENV["PATH"] = [File.expand_path("../../bin", __dir__), ENV.fetch("PATH")].join(":")
      ENV["LAB_NODE"] = node
      ENV["LAB_CALLS"] = calls
    end
  end
end
