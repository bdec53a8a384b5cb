require "mcollective/util/works"

module MCollective
  module Agent
    # The application of a web server: its revision stands in the node's file "revision".
    class Appmgr<RPC::Agent
      action "upgrade" do
        Util::Works.work("appmgr.upgrade", request[:revision])
        Util::Works.put("revision", request[:revision])
        reply[:revision] = request[:revision]
      end
    end
  end
end
