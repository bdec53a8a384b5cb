require "mcollective/util/works"

module MCollective
  module Agent
    # A check that is critical as often as the node's file "critical" says, and then OK.
    class Nrpe<RPC::Agent
      action "runcommand" do
        Util::Works.work("nrpe.runcommand", request[:command])
        is_critical = Util::Works.due?("critical")
        reply[:exitcode] = is_critical ? 2 : 0
        reply[:output] = is_critical ? "CRITICAL - load average: 9.00" : "OK - load average: 0.10"
        reply.fail("CRITICAL") if is_critical
      end
    end
  end
end
