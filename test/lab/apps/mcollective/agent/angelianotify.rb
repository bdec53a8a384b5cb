require "mcollective/util/works"

module MCollective
  module Agent
    # Tells people; here, whoever reads the file of calls.
    class Angelianotify<RPC::Agent
      action "sendmsg" do
        Util::Works.work("angelianotify.sendmsg", request[:recipient], request[:message])
      end
    end
  end
end
