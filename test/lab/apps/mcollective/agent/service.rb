require "mcollective/util/works"

module MCollective
  module Agent
    # Services of which only the name is there: those that run stand in the node's file "services".
    class Service<RPC::Agent
      action "start" do
        Util::Works.work("service.start", request[:service])
        change { |running| running | [request[:service]] }
      end

      action "stop" do
        Util::Works.work("service.stop", request[:service])
        change { |running| running - [request[:service]] }
      end

      private

      def change
        Util::Works.put("services", yield(Util::Works.get("services").split).sort.join(" "))
      end
    end
  end
end
