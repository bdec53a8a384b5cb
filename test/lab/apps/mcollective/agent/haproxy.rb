require "mcollective/util/works"

module MCollective
  module Agent
    # A load balancer: the servers that are out of a backend stand in the node's file "out.BACKEND".
    class Haproxy<RPC::Agent
      action "disable" do
        Util::Works.work("haproxy.disable", request[:server])
        change { |out, servers| out | servers }
      end

      action "enable" do
        Util::Works.work("haproxy.enable", request[:server])
        change { |out, servers| out - servers }
      end

      private

      def change
        file = "out.#{request[:backend]}"
        out = yield(Util::Works.get(file).split, request[:server].split(",")).sort
        Util::Works.put(file, out.join(" "))
        reply[:out] = out
      end
    end
  end
end
